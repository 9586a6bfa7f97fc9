// A wish for one upstream channel, until it is open or has failed; or a hold on a trunk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>

#include "mux/channel.hpp"
#include "mux/share_key.hpp"

namespace sallyport::mux {

class Pool;
class PooledTrunk;
class Trunk;

/// Receives the outcome of a lease: exactly one of the two, never inside Pool::lease().
class LeaseEvents {
 public:
  virtual ~LeaseEvents() = default;
  /// An open channel on a trunk. It belongs to the trunk; whoever has it ends it by abandon() or by CLOSE.
  virtual void on_leased(Channel& channel, TrunkId trunk) = 0;
  /// `told` is for the client; `reason` is the target's own when it refused.
  virtual void on_lease_failed(wire::OpenFailureReason reason, std::string_view told) = 0;
};

/// Receives the outcome of a hold: on_held() or on_hold_failed(), never inside Pool::hold(); and after the former perhaps
/// on_hold_lost().
class HoldEvents {
 public:
  virtual ~HoldEvents() = default;
  /// The trunk is there, and stays as long as the lease and its connection do, channels or not.
  virtual void on_held(Trunk& trunk) = 0;
  /// `told` is for the client.
  virtual void on_hold_failed(std::string_view told) = 0;
  /// The trunk's connection is gone. The trunk must not be used any more.
  virtual void on_hold_lost(std::string_view told) = 0;
};

/// A wish for a channel, or a hold on a trunk itself. Destroying it gives the wish up, or lets go of the trunk. A lease never waits for ever: it waits at most twice `connect_timeout` for a trunk
/// (once for its turn to log in, once for the login), and then for the target's answer.
class Lease final : private OpenEvents {
 public:
  /// How long the target may take for a forwarding, where it has a connection to make first. A session needs nothing of
  /// that: without an answer within `connect_timeout` it is tried elsewhere.
  static constexpr Duration kForwardingTimeout = std::chrono::minutes(5);

  ~Lease() override;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

 private:
  friend class Pool;
  friend class PooledTrunk;
  Lease(Pool& pool, ShareKey key, ResolvedTarget target, OpenRequest request, LeaseEvents& events);
  Lease(Pool& pool, ShareKey key, ResolvedTarget target, HoldEvents& holder);

  void on_open_confirmed() override;
  void on_open_refused(wire::OpenFailureReason reason, std::string_view description) override;
  void on_open_lost(std::string_view told) override;

  bool is_session() const { return request_.type == kSessionType; }
  void wait_on(PooledTrunk& trunk);
  /// The trunk is ready.
  void go_on_with(PooledTrunk& trunk) { holder_ != nullptr ? hold(trunk) : open_on(trunk); }
  void open_on(PooledTrunk& trunk);
  void hold(PooledTrunk& trunk);
  void report_held();
  void on_trunk_lost(std::string_view told);
  void waited_too_long();
  void not_answered();
  void try_elsewhere(std::string_view told);
  void fail(wire::OpenFailureReason reason, std::string told);
  void fail_later(wire::OpenFailureReason reason, std::string told);

  Pool& pool_;
  ShareKey key_;
  ResolvedTarget target_;
  OpenRequest request_;
  LeaseEvents* events_ = nullptr;  // of a wish for a channel …
  HoldEvents* holder_ = nullptr;   // … and of one for the trunk itself, whose request has no type
  TimePoint wait_until_;
  PooledTrunk* trunk_ = nullptr;  // where it waits or is being opened, or what is held
  bool held_ = false;
  Channel* channel_ = nullptr;    // while it is being opened
  std::uint32_t losses_ = 0;      // trunks that went, or were silent, while it was being opened
  std::unique_ptr<Timer> timer_;  // until the end of the present phase
};

}  // namespace sallyport::mux
