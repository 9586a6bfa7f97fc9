// What the pool's trunks, groups and wishes work with, and what they leave to the pool to decide.
#pragma once

#include <cstdint>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/admission/user_accounts.hpp"
#include "mux/protocol/connection.hpp"
#include "mux/protocol/graveyard.hpp"
#include "mux/targets/learnt_of_targets.hpp"
#include "mux/targets/login_breaker.hpp"
#include "mux/targets/login_queue.hpp"

namespace sallyport::mux {

class PooledTrunk;
class TrunkWaiter;

/// What the pool needs to know beyond the target.
struct PoolLimits {
  std::uint32_t trunks_per_user = 100;
  std::uint32_t waiting_per_trunk = 1000;
  std::uint32_t logins_per_target = 8;  ///< at a time, at one address
  Connection::Credit credit;
  HeldLimits held;
};

/// What only the pool decides, since it alone knows all trunks.
class PoolDecisions {
 public:
  virtual ~PoolDecisions() = default;
  /// Finds a trunk: one that is ready, one that is coming, or a new one. Otherwise the waiter fails, on the next turn.
  virtual void place(TrunkWaiter& waiter) = 0;
  /// Nothing speaks against one login more of this key: no limit, no pause, no end in sight.
  virtual bool may_log_in(const ShareKey& key) const = 0;
  virtual TrunkId next_trunk_id() = 0;
  /// The trunk is over: it leaves its group, and is buried.
  virtual void remove(PooledTrunk& trunk) = 0;
  /// The trunks that go through that one drain as well.
  virtual void drain_riders(TrunkId trunk) = 0;
  /// The one with that id; null when it has gone.
  virtual PooledTrunk* pooled(TrunkId id) const = 0;
  /// The bastion drains: no trunk is to stay.
  virtual bool is_draining() const = 0;
};

/// The pool makes them, and they outlive all that is in it.
struct PoolParts {
  PoolParts(PoolDecisions& decides, UpstreamConnector& connects, Clock& the_clock, Graveyard& the_graveyard, Journal& the_journal,
            PoolLimits the_limits)
      : pool(decides),
        connector(connects),
        clock(the_clock),
        graveyard(the_graveyard),
        journal(the_journal),
        limits(the_limits),
        logins(the_clock, the_limits.logins_per_target),
        breaker(the_clock),
        learnt(the_clock) {
    accounts.set_limits(limits.held);
  }

  PoolDecisions& pool;
  UpstreamConnector& connector;
  Clock& clock;
  Graveyard& graveyard;
  Journal& journal;
  PoolLimits limits;
  UserAccounts accounts;
  LoginQueue logins;
  LoginBreaker breaker;
  LearntOfTargets learnt;
};

}  // namespace sallyport::mux
