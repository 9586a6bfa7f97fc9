// A relay for channels that have no requests of their own: forwarded connections, agents, displays.
#pragma once

#include <cstdint>
#include <string_view>

#include <sallyport/clock.hpp>

#include "mux/protocol/channel_end.hpp"
#include "mux/relay/relay.hpp"

namespace sallyport::mux {

/// What a plain relay tells its owner.
class PlainRelayEvents {
 public:
  virtual ~PlainRelayEvents() = default;
  /// The last event, once: the end of side `by` has been closed by its peer or, where `lost` says so, was lost; `lost` is
  /// for a client and empty otherwise. Neither end may be used any more: this one goes, and the other one has been
  /// abandoned. Comes before join(), too, when an end with the relay's events goes so early.
  virtual void on_relay_over(Side by, std::string_view lost) = 0;
};

/// Passes data, EOF and CLOSE from each end to the other. What closes one end closes the other one, behind what was sent
/// there; so does the loss of one. Of requests, "eow@openssh.com" alone is passed on; those that want an answer are answered with
/// failure, and the others are dropped.
///
/// Use: give events() to the two ends, then join() them. Keep it until a later turn when it is over, since it may be on
/// the stack then.
class PlainRelay final {
 public:
  PlainRelay(Clock& clock, PlainRelayEvents& owner);
  ~PlainRelay() { end(); }
  PlainRelay(const PlainRelay&) = delete;
  PlainRelay& operator=(const PlainRelay&) = delete;

  /// What the end of that side must report to.
  ChannelEvents& events(Side side) { return side == Side::downstream ? downstream_ : upstream_; }
  /// How much `source` may be granted when it is confirmed or opened, so that all of it can be sent on to `sink`.
  static std::uint32_t initial_grant(const ChannelEnd& source, const ChannelEnd& sink);
  /// See Relay::limit().
  void limit(std::shared_ptr<RateLimits> limits) { relay_.limit(std::move(limits)); }
  /// Both peers may send from now on.
  void join(ChannelEnd& downstream, ChannelEnd& upstream) { relay_.join(downstream, upstream); }
  bool joined() const { return relay_.joined(); }
  /// Abandons both ends. No event follows.
  void end();

  /// Bytes of data that have come from that side.
  std::uint64_t bytes_from(Side side) const { return side == Side::downstream ? downstream_.bytes : upstream_.bytes; }

 private:
  struct EndEvents final : ChannelEvents {
    EndEvents(PlainRelay& owner, Side which) : relay(owner), side(which) {}
    void on_data(ByteView data) override;
    void on_extended_data(std::uint32_t code, ByteView data) override;
    Excess on_excess(std::size_t size) override { return relay.relay_.judge_excess(side, size); }
    void on_eof() override { relay.relay_.on_eof(side); }
    void on_request(wire::SessionRequest request, bool want_reply) override;
    void on_reply(bool) override {}  // nothing that wants an answer is ever passed on
    void on_window() override { relay.relay_.on_window(side); }
    void on_close() override { relay.over(side, {}); }
    void on_lost(Told told) override { relay.over(side, told.text().empty() ? "lost" : told.text()); }
    PlainRelay& relay;
    const Side side;
    std::uint64_t bytes = 0;
  };

  void over(Side by, std::string_view lost);

  PlainRelayEvents& owner_;
  Relay relay_;
  EndEvents downstream_{*this, Side::downstream};
  EndEvents upstream_{*this, Side::upstream};
};

}  // namespace sallyport::mux
