// Which trunk carries the next channel: sharing, overflow, ageing, reconnecting.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/admission/user_accounts.hpp"
#include "mux/protocol/graveyard.hpp"
#include "mux/upstream/channel_wish.hpp"
#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/trunk.hpp"
#include "mux/upstream/trunk_group.hpp"
#include "mux/upstream/trunk_hold.hpp"

namespace sallyport::mux {

class Pool final : private PoolDecisions {
 public:
  Pool(UpstreamConnector& connector, Clock& clock, Graveyard& graveyard, Journal& journal, PoolLimits limits);
  ~Pool() override;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Asks, on behalf of a client's connection, for a channel to `target` on a trunk that it may share.
  [[nodiscard]] std::unique_ptr<ChannelWish> wish_for_channel(TrunkAccess access, OpenRequest request, ChannelWishEvents& events);
  /// The same for a trunk to make global requests on; `beside` is as in OpenRequest.
  [[nodiscard]] std::unique_ptr<TrunkHold> hold(TrunkAccess access, std::optional<TrunkId> beside, TrunkHoldEvents& events);
  /// Which trunk wish_for_channel() would ask for the channel at once; absent: it would have to wait for one.
  std::optional<TrunkId> trunk_for(const TrunkAccess& access, const OpenRequest& request) const;
  /// A target may refuse a session by refusing its program. `had` sessions were there before it, and `others` were left.
  struct RefusedProgram {
    SharedTarget policy;
    std::size_t had = 0;
    std::size_t others = 0;
  };
  /// The newest session of that trunk has had its program refused: absent when a fresh trunk would do so as well.
  std::optional<RefusedProgram> program_refused(TrunkId trunk);
  /// It was a limit: as far as is known, sessions beyond it go elsewhere.
  void learn_limit(const RefusedProgram& refused);
  /// The trunk, while it is connected; else null.
  Trunk* find(TrunkId id);
  /// The client's connection is gone, and has no channels any more. Trunks that were its own alone end, and its agent and
  /// its display can't be reached any more.
  void client_left(const std::string& user, ConnectionId client);
  /// Takes effect for what is opened from now on.
  void set_limits(PoolLimits limits);
  /// The next login anywhere is made at once and afresh.
  void end_pauses() { parts_.breaker.end_all(); }
  /// Ends every trunk that has no channels, and the others when their last channel goes.
  void drain(std::string_view why);
  /// Says goodbye to every target now, and gives up the attempts to connect.
  void end_all(std::string_view why);
  /// Ends the trunks that no other one goes through, once each: to be called again for those that they went through.
  void end_left_behind(std::string_view why);
  /// What an administrator wants of a target's trunks, see Connections. They return how many there are.
  std::size_t stop(const TrunkSelection& which, std::string_view why);
  std::size_t end(const TrunkSelection& which, std::string_view why);
  std::size_t renew(const TrunkSelection& which, std::string_view why);
  void check(const TrunkSelection& which, std::function<void(TargetCheck)> done);
  std::size_t trunk_count() const;
  UserAccounts& accounts() { return parts_.accounts; }
  const UserAccounts& accounts() const { return parts_.accounts; }
  /// `connections` stays 0: who rides on a trunk is not known here.
  std::vector<TrunkRow> trunks() const;

 private:
  // PoolDecisions
  void place(TrunkWaiter& waiter) override;
  bool may_log_in(const ShareKey& key) const override;
  TrunkId next_trunk_id() override { return TrunkId{++last_id_}; }
  void remove(PooledTrunk& trunk) override;
  void drain_riders(TrunkId trunk) override;
  PooledTrunk* pooled(TrunkId id) const override;
  bool is_draining() const override { return draining_; }

  TrunkGroup& group_of(const ShareKey& key);
  /// The client has asked for something there, and counts as long as it is there.
  void add_client(const TrunkWaiter& waiter);
  /// Those that are not being closed.
  std::size_t trunks_of(const std::string& user) const;
  /// A copy, so that each of them may go while the others are visited.
  std::vector<PooledTrunk*> all_trunks() const;
  /// A check under way; its trunks may go meanwhile.
  struct Check {
    TargetCheck found;
    std::size_t answers_to_come = 0;
    std::function<void(TargetCheck)> done;
    std::unique_ptr<Timer> deadline;
  };
  void note_answer(std::uint64_t check, TrunkId trunk, Duration round_trip);
  void finish_check(std::uint64_t check);
  std::vector<PooledTrunk*> selected(const TrunkSelection& which) const;

  PoolParts parts_;
  std::map<std::uint64_t, Check> checks_;
  std::uint64_t last_check_ = 0;
  std::uint64_t last_id_ = 0;
  bool draining_ = false;
  bool ending_ = false;
  std::map<ShareKey, TrunkGroup> groups_;
};

}  // namespace sallyport::mux
