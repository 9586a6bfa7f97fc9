// A wish for one channel at a target, until it is open or has failed.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/told.hpp>
#include <sallyport/told_once.hpp>

#include "mux/protocol/channel.hpp"
#include "mux/upstream/trunk_waiter.hpp"

namespace sallyport::mux {

/// Receives the outcome of a wish: exactly one of on_wish_granted() and on_wish_failed(), never inside
/// Pool::wish_for_channel().
class ChannelWishEvents : public LoginNeeds {
 public:
  /// The channel has been asked for on that trunk, before there is an outcome; anew when it is tried elsewhere. Not called for
  /// what was asked for inside Pool::wish_for_channel(): see ChannelWish::asked_on().
  virtual void on_asked(TrunkId trunk) { static_cast<void>(trunk); }
  /// An open channel on a trunk. It belongs to the trunk; whoever has it ends it by abandon() or by CLOSE.
  virtual void on_wish_granted(Channel& channel, TrunkId trunk) = 0;
  /// `told` is for the client; `reason` is the target's own when it refused.
  virtual void on_wish_failed(wire::OpenFailureReason reason, Told told) = 0;
};

/// When there is a trunk, it waits for the target's answer as well; where that refuses a session for a limit of its own, or is
/// silent, it is tried elsewhere.
class ChannelWish final : public TrunkWaiter, private OpenEvents {
 public:
  /// How long the target may take for a forwarding, where it has a connection to make first. A session needs nothing of
  /// that: without an answer within `connect_timeout` it is tried elsewhere.
  static constexpr Duration kForwardingTimeout = std::chrono::minutes(5);

  /// Before begin(). `parts` and `events` outlive it.
  ChannelWish(PoolParts& parts, TrunkAccess access, OpenRequest request, ChannelWishEvents& events);
  ~ChannelWish() override;
  /// Has the pool look for a trunk. No event is told inside.
  void begin();

  /// Where the channel has been asked for; absent while there is no trunk for it.
  std::optional<TrunkId> asked_on() const;

 private:
  void take(PooledTrunk& trunk) override;
  void report_failure(wire::OpenFailureReason reason, Told told) override;
  // OpenEvents
  void on_open_confirmed() override;
  void on_open_refused(wire::OpenFailureReason reason, std::string_view description) override;
  void on_open_lost(Told told) override;

  bool is_session() const { return use().kind == TrunkUse::Kind::session; }
  void not_answered();

  OpenRequest request_;
  ToldOnce<ChannelWishEvents> events_;
  bool begun_ = false;                       // begin() is over
  Channel* channel_ = nullptr;               // while it is being opened
  std::optional<std::size_t> taken_before_;  // sessions that a trunk had had, when it refused this one beside no other
};

/// What a trunk is wanted for when that is to be opened there.
TrunkUse use_of(const OpenRequest& request);

}  // namespace sallyport::mux
