// A wish for one upstream channel, until it is open or has failed.
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

/// Receives the outcome of a lease: exactly one of the two, never inside Pool::lease().
class LeaseEvents {
 public:
  virtual ~LeaseEvents() = default;
  /// An open channel on a trunk. It belongs to the trunk; whoever has it ends it by abandon() or by CLOSE.
  virtual void on_leased(Channel& channel, TrunkId trunk) = 0;
  /// `told` is for the client; `reason` is the target's own when it refused.
  virtual void on_lease_failed(wire::OpenFailureReason reason, std::string_view told) = 0;
};

/// Destroying it gives the wish up. A lease never waits for ever: it waits at most twice `connect_timeout` for a trunk
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

  void on_open_confirmed() override;
  void on_open_refused(wire::OpenFailureReason reason, std::string_view description) override;
  void on_open_lost(std::string_view told) override;

  bool is_session() const { return request_.type == kSessionType; }
  void wait_on(PooledTrunk& trunk);
  void open_on(PooledTrunk& trunk);
  void waited_too_long();
  void not_answered();
  void try_elsewhere(std::string_view told);
  void fail(wire::OpenFailureReason reason, std::string told);
  void fail_later(wire::OpenFailureReason reason, std::string told);

  Pool& pool_;
  ShareKey key_;
  ResolvedTarget target_;
  OpenRequest request_;
  LeaseEvents* events_;
  TimePoint wait_until_;
  PooledTrunk* trunk_ = nullptr;  // where it waits or is being opened
  Channel* channel_ = nullptr;    // while it is being opened
  std::uint32_t losses_ = 0;      // trunks that went, or were silent, while it was being opened
  std::unique_ptr<Timer> timer_;  // until the end of the present phase
};

}  // namespace sallyport::mux
