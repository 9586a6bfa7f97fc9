// The pool as its parts see it, where a test decides.
#pragma once

#include <functional>
#include <utility>

#include "fakes/fake_clock.hpp"
#include "fakes/fake_connector.hpp"
#include "fakes/recording_journal.hpp"
#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/trunk_waiter.hpp"

namespace sallyport::mux {

/// There are no trunks in it.
class PoolStandIn final : public PoolDecisions {
 public:
  explicit PoolStandIn(PoolLimits limits = {}) : limits_(limits) {}

  /// What becomes of those who ask for a trunk.
  std::function<void(TrunkWaiter&)> on_place = [](TrunkWaiter&) {};

  void place(TrunkWaiter& waiter) override { on_place(waiter); }
  bool may_log_in(const ShareKey&) const override { return true; }
  TrunkId next_trunk_id() override { return TrunkId{++last_id_}; }
  void remove(PooledTrunk&) override {}
  void drain_riders(TrunkId) override {}
  PooledTrunk* pooled(TrunkId) const override { return nullptr; }
  bool is_draining() const override { return false; }

  fakes::FakeClock clock;
  fakes::FakeConnector connector;
  fakes::RecordingJournal journal;

 private:
  PoolLimits limits_;
  std::uint64_t last_id_ = 0;
  Graveyard graveyard_{clock};

 public:
  PoolParts parts{*this, connector, clock, graveyard_, journal, limits_};
};

}  // namespace sallyport::mux
