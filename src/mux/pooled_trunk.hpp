// A trunk's place in the pool, from the first attempt to connect until it is closed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mux/pool.hpp"

namespace sallyport::mux {

class PooledTrunk final : private UpstreamEvents, private TrunkEvents {
 public:
  using Phase = TrunkState;

  PooledTrunk(Pool& pool, TrunkId id, const ShareKey& key, const ResolvedTarget& target);
  ~PooledTrunk() override;

  TrunkId id() const { return id_; }
  const ShareKey& key() const { return key_; }
  /// Channels that are open, opening or closing, and wishes that wait.
  std::size_t used() const;
  bool takes_one_more() const;
  /// It is being closed, or its connection is: it counts no more.
  bool ending() const { return phase_ == Phase::closing || (trunk_ != nullptr && !trunk_->usable()); }
  bool connecting() const { return phase_ == Phase::connecting; }
  TrunkRow row() const;

  void wait(Lease& lease);
  void stop_waiting(Lease& lease);
  Channel& open(const OpenRequest& request, OpenEvents& outcome);
  /// The channel that was being opened is open.
  void note_confirmed();
  /// The target refused one more session. False when there was no other: then it is no limit but a refusal.
  bool note_refused();
  void drain(std::string_view why);
  /// Ends it now, with what is on it.
  void end(std::string_view why);

 private:
  void on_connected(std::unique_ptr<Transport> transport) override;
  void on_connect_failed(const UpstreamFailure& why) override;
  void on_slot_free(Trunk& trunk) override;
  void on_trunk_closed(Trunk& trunk, const Error& why) override;
  void leave_when_unused();

  Pool& pool_;
  TrunkId id_;
  ShareKey key_;
  ResolvedTarget target_;
  Phase phase_ = Phase::connecting;
  TimePoint since_;
  std::optional<TimePoint> idle_since_;
  std::size_t limit_;     // channels at a time, as far as we know
  std::size_t peak_ = 0;  // the most that the target has had at a time
  std::vector<Lease*> waiting_;
  std::unique_ptr<UpstreamAttempt> attempt_;
  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<Timer> idle_;
  std::unique_ptr<Timer> age_;
};

}  // namespace sallyport::mux
