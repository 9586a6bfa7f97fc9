// A trunk's place in the pool, from the wait for its turn to log in until it is closed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/targets/trunk_use.hpp"
#include "mux/upstream/hop.hpp"
#include "mux/upstream/host_key_lesson.hpp"
#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/trunk.hpp"
#include "mux/upstream/trunk_group.hpp"
#include "mux/upstream/trunk_hold.hpp"
#include "mux/upstream/waiting_list.hpp"

namespace sallyport::mux {

class PooledTrunk final : private UpstreamEvents, private TrunkEvents, private HopEvents {
 public:
  using Phase = TrunkState;

  PooledTrunk(PoolParts& parts, TrunkGroup& group, TrunkId id, TrunkAccess access, const ResolvedTarget& target);
  ~PooledTrunk() override;
  /// Logs in, or waits for its turn to do so.
  void begin();
  /// It was begun for that wish, whose client the login asks when it needs something. Before wait().
  void set_opener(TrunkWaiter& waiter) { opener_ = &waiter; }
  /// The login, if it has asked the client of that wish; else null.
  UpstreamAnswers* login_that_asked(const TrunkWaiter& waiter) const { return &waiter == opener_ ? asker_ : nullptr; }
  /// A person has been asked, and may take a while.
  bool awaits_answer() const { return parts_.clock.now() < answer_until_; }

  TrunkId id() const { return id_; }
  const ShareKey& key() const { return access_.key; }
  /// While it is in the pool.
  TrunkGroup& group() { return *group_; }
  const ResolvedTarget& target() const { return target_; }
  const Options& options() const { return target_.options; }
  /// Channels that are open, opening or closing, and wishes that wait.
  std::size_t used() const;
  /// The same without the channels whose end the target has owed for long: a reason to stay.
  std::size_t in_use() const;
  /// Whether it may be used so once more, now or when it is ready.
  bool takes(const TrunkUse& use) const;
  /// Whether it may have a channel of that client connection's: see Options::reuse_after_mfa.
  bool serves(const std::optional<ConnectionId>& client) const;
  /// It is being closed, or its connection is: it counts no more.
  bool ending() const { return phase_ == Phase::closing || (trunk_ != nullptr && !trunk_->usable()); }
  bool is_coming() const { return phase_ <= Phase::connecting; }
  bool is_draining() const { return phase_ == Phase::draining; }
  /// The trunk that it is reached through, once there is one.
  std::optional<TrunkId> via() const { return hop_ ? hop_->trunk() : std::nullopt; }
  bool is_ready() const { return phase_ == Phase::ready; }
  /// Ready, and without a channel.
  bool is_idle() const { return is_ready() && in_use() == 0; }
  bool has_logged_in() const { return trunk_ != nullptr; }
  TrunkRow row() const;

  void wait(TrunkWaiter& waiter) { waiting_.add(waiter); }
  void stop_waiting(TrunkWaiter& waiter);
  Channel& open(const OpenRequest& request, OpenEvents& outcome);
  /// The channel that was being opened is open …
  void note_confirmed();
  /// … and is a session.
  void note_session();
  /// Why the target refuses one more session: it takes no more at a time, or in a connection's life; or, when it has never had
  /// one here, it just does. But for that another trunk may be tried, and in the end a fresh one.
  enum class Refusal : std::uint8_t { full, spent, real };
  Refusal note_refused();
  /// It went with the open of one more session unanswered.
  void note_lost_at_open();
  /// Sessions that it has had, until now.
  std::size_t sessions_had() const { return had_; }
  /// Sessions that the target has here beside one that is on its way out.
  std::size_t other_sessions() const { return trunk_ ? trunk_->confirmed_or_closing_sessions() - 1 : 0; }
  /// The target let a channel wait too long: until it gives a sign of life, new ones go elsewhere.
  void suspect();
  /// It is in use until the hold lets go of it, with or without a channel.
  void hold(TrunkHold& hold);
  void let_go(TrunkHold& hold);
  /// Null while it is not connected.
  Trunk* trunk() { return trunk_.get(); }
  /// Asks a trunk that has logged in for a sign of life.
  void probe(std::function<void(Duration)> answered) { trunk_->probe(std::move(answered)); }
  void drain(std::string_view why);
  /// It is going: gives back what it has of the trunk that it goes through.
  void part() {
    forget_helper();  // who has asked may be the hop's wish, which goes
    if (hop_ != nullptr) hop_->part();
  }
  /// How long it may stay idle has changed.
  void look_at_idle_time();
  /// Ends it now, with what is on it; `why` is for clients as well.
  void end(std::string_view why);

 private:
  void on_connected(std::unique_ptr<Transport> transport) override;
  void on_connect_failed(const UpstreamFailure& why) override;
  // Of the login, and of the one in between.
  void on_agent_wanted(UpstreamAnswers& to) override;
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override;
  void on_hop_ready() override;
  void on_hop_failed(const std::string& told) override;
  void on_hop_lost(std::string_view told) override;
  void on_slot_free(Trunk& trunk) override;
  void on_overdue(Trunk&) override { leave_when_unused(); }
  void on_host_keys(Trunk& trunk, ByteView fields) override;
  void on_trunk_closed(Trunk& trunk, const Error& why) override;

  /// A login that a person has answered, this trunk's or that of one on the way there, serves others until then.
  struct Answered {
    std::optional<ConnectionId> by;
    TimePoint until;
  };
  /// The login is over.
  void note_answers();
  void on_turn();
  void log_in();
  void limit_hop();
  /// The login needs nothing any more.
  void forget_helper() {
    opener_ = nullptr;
    asker_ = nullptr;
  }
  void fail(const UpstreamFailure& why);
  /// It is over: the pool lets go of it. Buried, not destroyed, so that a wish that is tried again finds a fresh one.
  void leave_pool();
  bool has_room_for(const TrunkUse& use) const;
  std::size_t sessions() const;
  std::size_t sessions_ended() const;
  /// The target takes no more than so many sessions at a time.
  void note_full(std::size_t sessions);
  /// Old devices end the connection over a global request that they don't know. So the first one goes before anything of a
  /// client's, which is tried again on a fresh trunk, where none is asked.
  void try_question();
  bool is_silent() const;
  void leave_when_unused();
  void idle_time_over();

  PoolParts& parts_;
  TrunkGroup* group_;  // null once the pool has removed it
  TrunkId id_;
  TrunkAccess access_;
  const ShareKey& key_ = access_.key;
  ResolvedTarget target_;
  Phase phase_ = Phase::waiting;
  TimePoint since_;
  std::optional<TimePoint> idle_since_;
  std::optional<std::uint64_t> suspected_;    // what had been heard then
  std::size_t channel_limit_;                 // channels_per_trunk
  std::optional<std::size_t> session_limit_;  // what the target takes at a time, once that is known
  std::size_t had_ = 0;                       // sessions that it has taken
  bool was_used_ = false;                     // it has had a channel, or was held
  std::size_t peak_ = 0;                      // the most sessions that the target has had here at a time
  std::optional<std::uint64_t> questioned_;   // what had been heard then: see try_question()
  WaitingList<TrunkWaiter> waiting_;
  std::vector<TrunkHold*> holds_;
  std::unique_ptr<LoginQueue::Turn> turn_;
  std::unique_ptr<Timer> turn_deadline_;
  std::unique_ptr<Timer> hop_deadline_;
  std::unique_ptr<Hop> hop_;  // null: it is reached directly
  std::string hop_lost_;      // why its connection was lost with that of the trunk that it goes through; empty: it wasn't
  std::unique_ptr<UpstreamAttempt> attempt_;
  TrunkWaiter* opener_ = nullptr;             // while it waits
  UpstreamAnswers* asker_ = nullptr;          // attempt_, or the hop's wish, once that has asked the client for something
  bool asked_ = false;                        // it has asked a person for something …
  std::optional<ConnectionId> asked_client_;  // … through that connection
  std::vector<Answered> answered_;
  TimePoint answer_until_;
  TimePoint connected_by_;  // the end of connect_timeout
  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<HostKeyLesson> lesson_;  // after the trunk, which it asks
  std::unique_ptr<Timer> idle_;
  std::unique_ptr<Timer> age_;
};

}  // namespace sallyport::mux
