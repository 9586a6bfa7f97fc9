#include "mux/relay/plain_relay.hpp"

#include <algorithm>
#include <variant>

namespace sallyport::mux {

PlainRelay::PlainRelay(Clock& clock, PlainRelayEvents& owner) : owner_(owner), relay_(clock) {}

std::uint32_t PlainRelay::initial_grant(const ChannelEnd& source, const ChannelEnd& sink) {
  const Flow to = sink.flow();
  return std::min({to.window, to.credit, source.flow().credit, FlowCredit::kFloorAlone});
}

void PlainRelay::end() {
  if (!relay_.joined()) return;
  ChannelEnd& downstream = *relay_.end(Side::downstream);
  ChannelEnd& upstream = *relay_.end(Side::upstream);
  relay_.part();
  downstream.abandon();
  upstream.abandon();
}

void PlainRelay::over(Side by, std::string_view lost) {
  ChannelEnd* other = relay_.opposite(by);
  relay_.part();
  // The peer of the other end must be able to tell a stream that was cut from one that ended.
  if (other != nullptr) lost.empty() ? other->abandon() : other->break_off();
  owner_.on_relay_over(by, lost);
}

void PlainRelay::EndEvents::on_data(ByteView data) {
  bytes += data.size();
  relay.relay_.on_data(side, data);
}

void PlainRelay::EndEvents::on_extended_data(std::uint32_t code, ByteView data) {
  bytes += data.size();
  relay.relay_.on_extended_data(side, code, data);
}

void PlainRelay::EndEvents::on_request(wire::SessionRequest request, bool want_reply) {
  ChannelEnd* from = relay.relay_.end(side);
  if (from == nullptr) return;
  if (want_reply) return from->send_reply(false);
  if (!std::holds_alternative<wire::EndOfWrite>(request)) return;
  ChannelEnd& to = *relay.relay_.opposite(side);
  if (to.takes_requests()) to.send_request(request, false);
}

}  // namespace sallyport::mux
