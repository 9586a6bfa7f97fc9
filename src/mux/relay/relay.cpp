#include "mux/relay/relay.hpp"

#include <algorithm>

namespace sallyport::mux {
namespace {

/// The largest step: whoever is far misses a round trip later what he isn't granted in time, and adjusts are cheap beside that.
constexpr std::uint32_t kLargestStep = 64 * 1024;
/// The smallest one where there is room for it: whoever waits for it sends a message of the full size.
constexpr std::uint32_t kFullStep = 32 * 1024;

/// In which steps a peer is granted what it may send, when that is `allowed` bytes in all. An adjust for each message would
/// double their number; and the steps are regular, since another Sallyport, or anybody who does as we do, takes us for somebody
/// who has consumed nothing until it knows them (see AdjustHabit).
std::uint32_t step_within(std::uint32_t allowed) {
  const std::uint32_t least = allowed >= kFullStep + kFullStep / 2 ? kFullStep : allowed / 2;
  return std::clamp(allowed / 4, least, kLargestStep);
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
  credit.received(bytes, clock_);
  if (credit.count(bytes, allowed(from), source.granted(), now)) {
    credit.adapt(now, {source.round_trip() + sink.round_trip(), std::min(source.floor_in_company(), sink.floor_in_company())});
  }
  top_up(from);
}

void Relay::top_up(Side from) {
  ChannelEnd& source = *end(from);
  ChannelEnd& sink = *opposite(from);
  if (sink.congested()) return;  // on_window() comes when it is no more
  const std::uint32_t granted = source.granted();
  const std::uint32_t wanted = std::min(sink.window(), allowed(from));
  const std::uint32_t step = step_within(wanted);
  if (granted >= wanted || wanted - granted < step) return;
  // From here on only the peer's window may be what is waited for: whatever else there is too little of must tell when there is
  // more. Alone a little more may be behind us, so that it needn't be known exactly each time.
  const std::uint32_t behind = allowed_behind(from);
  const std::uint32_t spare = sink.in_company() ? 0 : (std::max(behind, FlowCredit::kFloorAlone) - FlowCredit::kFloorAlone) / 4;
  const std::uint32_t line = std::min(credit_of(from).for_line(sink.in_company()), sink.credit());
  const std::uint32_t room = std::min(wanted, sink.room_within({behind + spare, line + spare, wanted}));
  if (granted >= room || room - granted < step) return sink.call_when_there_is_room();
  // Whole messages, unless it is the window that counts: an odd rest would be a small one each time.
  const std::uint32_t target = room < kFullStep || room == sink.window() ? room : room - room % kFullStep;
  if (target <= granted) return;  // it still has one to send
  credit_of(from).granted(granted, clock_);
  source.grant(within_limit(from, target - granted));
}

std::uint32_t Relay::allowed(Side from) const {
  const ChannelEnd& source = *end(from);
  return std::min({credit_of(from).value(source.in_company()), source.credit(), allowed_behind(from)});
}

std::uint32_t Relay::allowed_behind(Side from) const {
  const ChannelEnd& sink = *opposite(from);
  return std::min(credit_of(from).value(sink.in_company()), sink.credit());
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

}  // namespace sallyport::mux
