// Which trunk carries the next channel: sharing, overflow, ageing, reconnecting.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/upstream.hpp>

#include "mux/graveyard.hpp"
#include "mux/journal.hpp"
#include "mux/share_key.hpp"
#include "mux/trunk.hpp"

namespace sallyport::mux {

/// Receives the outcome of a lease: exactly one of the two, never inside Pool::lease().
class LeaseEvents {
 public:
  virtual ~LeaseEvents() = default;
  /// An open channel on a trunk. It belongs to the trunk; whoever has it ends it by abandon() or by CLOSE.
  virtual void on_leased(Channel& channel, TrunkId trunk) = 0;
  /// `told` is for the client; `reason` is the target's own when it refused.
  virtual void on_lease_failed(wire::OpenFailureReason reason, std::string_view told) = 0;
};

class Pool;
class PooledTrunk;

/// A wish for one upstream channel. Destroying it gives the wish up.
class Lease final : private OpenEvents {
 public:
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
  void open_on(PooledTrunk& trunk);
  void fail(wire::OpenFailureReason reason, std::string told);
  void fail_later(wire::OpenFailureReason reason, std::string told);

  Pool& pool_;
  ShareKey key_;
  ResolvedTarget target_;
  OpenRequest request_;
  LeaseEvents* events_;
  PooledTrunk* trunk_ = nullptr;  // where it waits or is being opened
  Channel* channel_ = nullptr;    // while it is being opened
  std::uint32_t losses_ = 0;      // trunks that went while it was being opened
  std::unique_ptr<Timer> failing_;
};

/// What the pool needs to know beyond the target.
struct PoolLimits {
  std::uint32_t trunks_per_user = 100;
  std::uint32_t waiting_per_trunk = 256;
  Connection::Credit credit;
};

class Pool {
 public:
  Pool(UpstreamConnector& connector, Clock& clock, Graveyard& graveyard, Journal& journal, PoolLimits limits);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Asks for a channel to `target` on a trunk that `key` may share.
  [[nodiscard]] std::unique_ptr<Lease> lease(ShareKey key, ResolvedTarget target, OpenRequest request,
                                             LeaseEvents& events);
  /// Takes effect for what is opened from now on.
  void set_limits(PoolLimits limits) { limits_ = limits; }
  /// Ends every trunk that has no channels, and the others when their last channel goes.
  void drain(std::string_view why);
  /// Says goodbye to every target now, and gives up the attempts to connect.
  void end_all(std::string_view why);
  std::size_t trunk_count() const;
  /// `connections` stays 0: who rides on a trunk is not known here.
  std::vector<TrunkRow> trunks() const;

 private:
  friend class Lease;
  friend class PooledTrunk;

  void place(Lease& lease);
  std::size_t trunks_of(const std::string& user) const;
  void remove(PooledTrunk& trunk);

  UpstreamConnector& connector_;
  Clock& clock_;
  Graveyard& graveyard_;
  Journal& journal_;
  PoolLimits limits_;
  std::uint64_t last_id_ = 0;
  bool ending_ = false;
  std::map<ShareKey, std::vector<std::unique_ptr<PooledTrunk>>> trunks_;
};

}  // namespace sallyport::mux
