// Two ends of a channel joined: data flows from one to the other, within what the receiving end takes.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>

#include "mux/flow/flow.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/flow/rate_limit.hpp"
#include "mux/protocol/channel_end.hpp"

namespace sallyport::mux {

/// The client's side of a relay, and the other one.
enum class Side : std::uint8_t { downstream, upstream };

/// See "Flow control" in src/README.md. The ends outlive the relay, or are parted from it first.
class Relay {
 public:
  explicit Relay(Clock& clock) : clock_(clock), from_downstream_(clock.now()), from_upstream_(clock.now()) {}

  /// Whatever is granted from now on is taken from `limits`; null: there is none. Before join().
  void limit(std::shared_ptr<RateLimits> limits) { limits_ = std::move(limits); }
  /// Both peers may send from now on.
  void join(ChannelEnd& downstream, ChannelEnd& upstream);
  /// What comes from now on goes nowhere.
  void part();
  bool joined() const { return downstream_ != nullptr; }
  /// Null while nothing is joined.
  ChannelEnd* end(Side side) const { return side == Side::downstream ? downstream_ : upstream_; }
  ChannelEnd* opposite(Side side) const { return side == Side::downstream ? upstream_ : downstream_; }

  /// What becomes of data beyond what that side was granted: the other one may have room for it.
  Excess judge_excess(Side from, std::size_t size) const {
    return joined() && opposite(from)->flow().window >= size ? Excess::taken : Excess::refused;
  }

  // What the end of that side has reported. Nothing happens while nothing is joined.
  void on_data(Side from, ByteView bytes);
  void on_extended_data(Side from, std::uint32_t code, ByteView bytes);
  void on_eof(Side from);
  /// The end takes more, so the other side's peer may send more.
  void on_window(Side of);

 private:
  FlowCredit& credit_of(Side from) { return from == Side::downstream ? from_downstream_ : from_upstream_; }
  const FlowCredit& credit_of(Side from) const { return from == Side::downstream ? from_downstream_ : from_upstream_; }
  /// Data has come from there and has been passed on.
  void note_passed(Side from, std::size_t bytes);
  /// What data passes over, both connections taken together.
  FlowCredit::Line line() const;
  /// Lets the peer on that side send as much as the opposite end can take.
  void top_up(Side from) { top_up(from, end(from)->flow(), opposite(from)->flow()); }
  void top_up(Side from, const Flow& source, const Flow& sink);
  RateLimit* limit_of(Side from) const;
  /// How much of `wanted` may be granted now; when less, the rest is granted later.
  std::uint32_t within_limit(Side from, std::uint32_t wanted);

  Clock& clock_;
  ChannelEnd* downstream_ = nullptr;
  ChannelEnd* upstream_ = nullptr;
  FlowCredit from_downstream_;
  FlowCredit from_upstream_;
  std::shared_ptr<RateLimits> limits_;
  std::unique_ptr<Timer> refill_;
};

}  // namespace sallyport::mux
