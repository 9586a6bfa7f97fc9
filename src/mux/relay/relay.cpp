#include "mux/relay/relay.hpp"

#include <algorithm>

#include "mux/flow/top_up.hpp"

namespace sallyport::mux {

void Relay::join(ChannelEnd& downstream, ChannelEnd& upstream) {
  downstream_ = &downstream;
  upstream_ = &upstream;
  if (limits_ != nullptr) {
    limits_->from_client.spend(downstream.flow().granted);
    limits_->to_client.spend(upstream.flow().granted);
  }
  const std::chrono::microseconds round_trip = line().round_trip;
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

FlowCredit::Line Relay::line() const {
  const FlowCredit::Line one = downstream_->line();
  const FlowCredit::Line other = upstream_->line();
  return {one.round_trip + other.round_trip, std::min(one.floor_in_company, other.floor_in_company)};
}

void Relay::note_passed(Side from, std::size_t bytes) {
  const Flow source = end(from)->flow();
  const Flow sink = opposite(from)->flow();
  FlowCredit& credit = credit_of(from);
  const TimePoint now = clock_.now();
  credit.received(bytes, clock_);
  if (credit.count(bytes, allowed(source, sink, credit), source.granted, now)) credit.adapt(now, line());
  top_up(from, source, sink);
}

void Relay::top_up(Side from, const Flow& source, const Flow& sink) {
  FlowCredit& credit = credit_of(from);
  ChannelEnd& to = *opposite(from);
  const auto room_within = [&to](const RoomLimits& limits) { return to.room_within(limits); };
  const TopUp now = mux::top_up(source, sink, credit, room_within);
  if (now.wait == TopUp::Wait::congestion) return to.call_when_uncongested();
  if (now.wait == TopUp::Wait::room) return to.call_when_there_is_room();
  if (now.grant == 0) return;
  credit.granted(source.granted, clock_);
  end(from)->grant(within_limit(from, now.grant));
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
