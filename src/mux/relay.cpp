#include "mux/relay.hpp"

#include <algorithm>

namespace sallyport::mux {
namespace {

/// A relay that rests longer than this, though there is a window, isn't waiting for the peer to consume.
constexpr Duration kStallLook = std::chrono::milliseconds(200);
/// From here on a sender is far: what it isn't granted in time is missed a round trip later, and adjusts are cheap
/// beside that. So it gets smaller steps, each still worth a packet.
constexpr std::chrono::microseconds kFar{5000};
constexpr std::uint32_t kStepFromFar = 64 * 1024;

Duration stall_look_after(const ChannelEnd& sink) {
  return kStallLook + 2 * std::chrono::ceil<Duration>(sink.round_trip());
}

}  // namespace

void Relay::join(ChannelEnd& downstream, ChannelEnd& upstream) {
  downstream_ = &downstream;
  upstream_ = &upstream;
  if (limits_ != nullptr) {
    limits_->from_client.spend(downstream.granted());
    limits_->to_client.spend(upstream.granted());
  }
  const std::chrono::microseconds round_trip = downstream.round_trip() + upstream.round_trip();
  from_downstream_.begin(clock_.now(), round_trip);
  from_upstream_.begin(clock_.now(), round_trip);
  top_up(Side::downstream);
  top_up(Side::upstream);
}

void Relay::part() {
  downstream_ = upstream_ = nullptr;
  stall_look_.reset();
  refill_.reset();
}

void Relay::on_data(Side from, ByteView bytes) {
  if (!joined()) return;
  opposite(from)->send_data(bytes);
  note_passed(from, bytes.size());
}

void Relay::on_extended_data(Side from, std::uint32_t code, ByteView bytes) {
  if (!joined()) return;
  opposite(from)->send_extended_data(code, bytes);
  note_passed(from, bytes.size());
}

void Relay::on_eof(Side from) {
  if (joined()) opposite(from)->send_eof();
}

void Relay::on_window(Side of) {
  if (joined()) top_up(of == Side::downstream ? Side::upstream : Side::downstream);
}

void Relay::note_passed(Side from, std::size_t bytes) {
  ChannelEnd& source = *end(from);
  ChannelEnd& sink = *opposite(from);
  FlowCredit& credit = credit_of(from);
  const TimePoint now = clock_.now();
  if (credit.count(bytes, now)) {
    credit.adapt(now, {source.round_trip() + sink.round_trip(), source.in_company() || sink.in_company(),
                       std::min(source.floor_in_company(), sink.floor_in_company())});
  }
  top_up(from);
}

void Relay::top_up(Side from) {
  ChannelEnd& source = *end(from);
  ChannelEnd& sink = *opposite(from);
  if (sink.congested()) return;  // on_window() comes when it is no more
  FlowCredit& credit = credit_of(from);
  if (source.in_company() || sink.in_company()) credit.yield_to_company();
  const std::uint32_t allowed = std::min({credit.value(), source.credit(), sink.credit()});
  const std::uint32_t under_way = sink.under_way();
  const std::uint32_t room = std::min(sink.window(), allowed > under_way ? allowed - under_way : 0);
  if (room == 0 && sink.window() > 0 && source.granted() == 0 && stall_look_ == nullptr)
    stall_look_ = clock_.after(stall_look_after(sink), [this] { look_after_stall(); });
  // In steps, of a quarter at the most: a window adjust for each message would double their number.
  const std::uint32_t step = source.round_trip() >= kFar ? std::min(room / 4, kStepFromFar) : room / 4;
  if (source.granted() > room - step || source.granted() >= room) return;
  source.grant(within_limit(from, room - source.granted()));
}

RateLimit* Relay::limit_of(Side from) const {
  if (limits_ == nullptr) return nullptr;
  return from == Side::downstream ? &limits_->from_client : &limits_->to_client;
}

std::uint32_t Relay::within_limit(Side from, std::uint32_t wanted) {
  RateLimit* limit = limit_of(from);
  if (limit == nullptr) return wanted;
  const std::uint32_t taken = limit->take(wanted, clock_.now());
  if (taken < wanted && refill_ == nullptr) {
    refill_ = clock_.after(limit->wait(clock_.now()), [this] {
      refill_.reset();
      for (const Side side : {Side::downstream, Side::upstream})
        if (joined()) top_up(side);
    });
  }
  return taken;
}

void Relay::look_after_stall() {
  stall_look_.reset();
  for (const Side from : {Side::downstream, Side::upstream}) {
    if (!joined()) return;
    ChannelEnd& source = *end(from);
    ChannelEnd& sink = *opposite(from);
    if (source.granted() == 0 && sink.window() > 0 && !sink.congested()) sink.expect_larger_adjusts();
    top_up(from);
  }
}

}  // namespace sallyport::mux
