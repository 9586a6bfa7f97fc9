// A trunk's place in the pool, from the wait for its turn to log in until it is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/targets/session_room.hpp"
#include "mux/upstream/host_key_lesson.hpp"
#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/trunk.hpp"
#include "mux/upstream/trunk_group.hpp"
#include "mux/upstream/trunk_hold.hpp"
#include "mux/upstream/trunk_login.hpp"
#include "mux/upstream/waiting_list.hpp"

namespace sallyport::mux {

/// Until it is connected its `TrunkLogin` is on the way; from then on it has a `Trunk`.
class PooledTrunk final : private TrunkLoginEvents, private TrunkEvents, private HopLossEvents {
 public:
  using Phase = TrunkState;
  using Refusal = SessionRoom::Refusal;

  /// `parts` and `group` outlive its time in the pool.
  PooledTrunk(PoolParts& parts, TrunkGroup& group, TrunkIdentity identity);
  ~PooledTrunk() override;
  /// Logs in, or waits for its turn to do so.
  void begin();
  /// It was begun for that one, whose client the login asks when it needs something. After begin().
  void set_opener(TrunkWaiter& waiter) { login_->set_opener(waiter); }
  /// The login, if it has asked the client of that one; else null.
  UpstreamAnswers* login_that_asked(const TrunkWaiter& waiter) const { return login_ ? login_->asker_of(waiter) : nullptr; }
  /// A person has been asked, and may take a while.
  bool awaits_answer() const { return login_ != nullptr && login_->awaits_answer(); }

  TrunkId id() const { return identity_.id; }
  const ShareKey& key() const { return identity_.access.key; }
  /// While it is in the pool.
  TrunkGroup& group() { return *group_; }
  const ResolvedTarget& target() const { return identity_.target(); }
  const Options& options() const { return target().options; }
  /// Channels that are open, opening or closing, and wishes that wait.
  std::size_t used() const;
  /// The same without the channels whose end the target has owed for long: a reason to stay.
  std::size_t in_use() const;
  /// Whether it may be used so once more, now or when it is ready.
  bool takes(const TrunkUse& use) const;
  /// Whether it may have a channel of that client connection's: see Options::reuse_after_mfa.
  bool serves(const std::optional<ConnectionId>& client) const;
  /// Which logins persons have answered on the way; none before it has logged in.
  const AnsweredLogins& answered() const { return answered_; }
  /// It is being closed, or its connection is: it counts no more.
  bool ending() const { return phase_ == Phase::closing || (trunk_ != nullptr && !trunk_->usable()); }
  bool is_coming() const { return phase_ <= Phase::connecting; }
  bool is_draining() const { return phase_ == Phase::draining; }
  /// The trunk that it goes through, once there is one.
  std::optional<TrunkId> via() const;
  bool is_ready() const { return phase_ == Phase::ready; }
  /// Ready, and without a channel.
  bool is_idle() const { return is_ready() && in_use() == 0; }
  bool has_logged_in() const { return trunk_ != nullptr; }
  TrunkRow row() const;

  void wait(TrunkWaiter& waiter) { waiting_.add(waiter); }
  void stop_waiting(const TrunkWaiter& waiter);
  Channel& open(const OpenRequest& request, OpenEvents& outcome);
  /// The channel that was being opened is open …
  void note_confirmed();
  /// … and is a session.
  void note_session() { room_.note_session(trunk_->confirmed_sessions()); }
  /// The target refuses one more session.
  Refusal note_refused();
  /// It went with the open of one more session unanswered.
  void note_lost_at_open();
  /// Sessions that it has had, until now.
  std::size_t sessions_had() const { return room_.had(); }
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
  void part();
  /// How long it may stay idle has changed.
  void look_at_idle_time();
  /// Ends it now, with what is on it; `why` is for clients as well.
  void end(std::string_view why);

 private:
  /// A login is over for us. The target has it until it has shown that it is past it, or for kLoginOver.
  struct LoginTail {
    std::unique_ptr<LoginQueue::Turn> turn;
    std::unique_ptr<Timer> deadline;
  };
  /// Nobody has used it, or held it, since then.
  struct Idleness {
    std::optional<TimePoint> since;
    std::unique_ptr<Timer> over;
  };

  // TrunkLoginEvents
  void on_login_turn() override;
  void on_logged_in(LoggedIn login) override;
  void on_login_failed(const UpstreamFailure& why) override;
  // HopLossEvents
  void on_hop_lost(Told told) override;
  // TrunkEvents
  void on_slot_free(Trunk& trunk) override;
  void on_overdue(Trunk&) override { leave_when_unused(); }
  void on_host_keys(Trunk& trunk, ByteView fields) override;
  void on_trunk_closed(Trunk& trunk, const Error& why) override;

  /// The only way into another phase, which the journal is told.
  void enter(Phase phase);
  /// It is over: the pool lets go of it. Buried, not destroyed, so that a wish that is tried again finds a fresh one.
  void leave_pool();
  SessionRoom::Load load() const;
  bool has_room_for(const TrunkUse& use) const { return room_.has_room_for(use, load()); }
  /// A channel, or a hold, is there.
  void note_use();
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
  const TrunkIdentity identity_;
  Phase phase_ = Phase::waiting;
  TimePoint since_;
  SessionRoom room_;
  bool was_used_ = false;  // it has had a channel, or was held
  WaitingList<TrunkWaiter> waiting_;
  std::vector<TrunkHold*> holds_;
  std::unique_ptr<TrunkLogin> login_;  // null: it has logged in
  LoginTail tail_;
  AnsweredLogins answered_;
  std::unique_ptr<Hop> hop_;  // of the connection; null: it is reached directly, or not yet
  std::string hop_lost_;      // why that was lost, and the connection with it; empty: it wasn't
  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<HostKeyLesson> lesson_;    // after the trunk, which it asks
  std::optional<std::uint64_t> suspected_;   // what had been heard then
  std::optional<std::uint64_t> questioned_;  // what had been heard then: see try_question()
  Idleness idle_;
  std::unique_ptr<Timer> age_;
};

}  // namespace sallyport::mux
