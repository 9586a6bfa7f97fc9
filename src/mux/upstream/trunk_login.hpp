// The way to a trunk's login: its turn, the trunk in between if there is one, the attempt, and what that needs of a client.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/facts/trunks.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/target.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/targets/answered_logins.hpp"
#include "mux/targets/login_queue.hpp"
#include "mux/upstream/hop.hpp"
#include "mux/upstream/trunk_waiter.hpp"

namespace sallyport::mux {

struct PoolParts;

/// What a trunk is, all its life.
struct TrunkIdentity {
  TrunkId id{};
  TrunkAccess access;  ///< where it leads, whose it is, and for whom it logs in

  const ResolvedTarget& target() const { return access.target(); }
  /// For facts about it; a view.
  facts::Trunk which() const { return {id, access.key.user, target().name}; }
};

/// Host and port as people write them; what is paced together.
std::string address_of(const ResolvedTarget& target);

/// A connection that is logged in, and what belongs to it.
struct LoggedIn {
  std::unique_ptr<Transport> transport;
  /// The login's, to be kept until the target is past it as well. Null: it was given back while a person thought about the
  /// answer.
  std::unique_ptr<LoginQueue::Turn> turn;
  std::unique_ptr<Hop> hop;  ///< which carries it, and reports its loss to nobody yet; null: it is reached directly
  AnsweredLogins answered;   ///< by persons, on the whole way
};

/// Receives what comes of a login. Never called inside a call of the login's.
class TrunkLoginEvents {
 public:
  virtual ~TrunkLoginEvents() = default;
  /// Its turn has come, for which begin() had to wait.
  virtual void on_login_turn() = 0;
  /// One of these is the last event.
  virtual void on_logged_in(LoggedIn login) = 0;
  virtual void on_login_failed(const UpstreamFailure& why) = 0;
};

/// One login at a trunk's target. It is paced by the LoginQueue, and has connect_timeout from its turn on for the whole way,
/// kLoginTime for each login on it, and kAnswerTime where a person is asked.
class TrunkLogin final : private UpstreamEvents, private HopEvents, private HopLossEvents {
 public:
  /// All of them outlive it. Once it is over it is buried, not destroyed.
  TrunkLogin(PoolParts& parts, const TrunkIdentity& trunk, TrunkLoginEvents& owner);
  ~TrunkLogin() override;
  TrunkLogin(const TrunkLogin&) = delete;
  TrunkLogin& operator=(const TrunkLogin&) = delete;

  /// Logs in: true; or waits for its turn to do so.
  bool begin();
  /// The login is made for that one, whose client it asks when it needs something.
  void set_opener(TrunkWaiter& waiter) { opener_ = &waiter; }
  /// It waits no more.
  void forget(const TrunkWaiter& waiter);
  /// Where the answers go if the client of that one has been asked for something; else null.
  UpstreamAnswers* asker_of(const TrunkWaiter& waiter) const { return &waiter == opener_ ? asker_ : nullptr; }
  /// A person has been asked, and may take a while.
  bool awaits_answer() const;
  /// Whether what it comes to may serve that client connection, as far as that is known already: see Options::reuse_after_mfa.
  bool serves(const std::optional<ConnectionId>& client) const;
  /// The trunk that it goes through, once there is one.
  std::optional<TrunkId> via() const { return hop_ ? hop_->trunk() : std::nullopt; }
  /// Ends it now. No event follows.
  void give_up();
  /// Its trunk is going: gives back what it has of the one that it goes through.
  void part();

 private:
  // UpstreamEvents
  void on_connected(std::unique_ptr<Transport> transport) override;
  void on_connect_failed(const UpstreamFailure& why) override;
  // UpstreamNeeds: of the login, and of the one in between.
  void on_agent_wanted(UpstreamAnswers& to) override;
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override;
  // HopEvents, HopLossEvents
  void on_hop_ready() override;
  void on_hop_failed(Told told) override;
  void on_hop_lost(Told told) override { on_hop_failed(told); }

  void on_turn();
  void log_in();
  void limit_hop();
  AnsweredLogins answered() const;
  /// The login needs nothing any more.
  void forget_helper();
  /// Gives its turn back.
  void stop();
  void fail(const UpstreamFailure& why);

  PoolParts& parts_;
  const TrunkIdentity& trunk_;
  ToldOnce<TrunkLoginEvents> owner_;
  std::unique_ptr<LoginQueue::Turn> turn_;
  std::unique_ptr<Timer> deadline_;  // of the turn, and then of the hop
  std::unique_ptr<Hop> hop_;         // null: it is reached directly
  std::unique_ptr<UpstreamAttempt> attempt_;
  TrunkWaiter* opener_ = nullptr;             // while it waits
  UpstreamAnswers* asker_ = nullptr;          // attempt_, or the hop's wish, once that has asked the client for something
  bool asked_ = false;                        // it has asked a person for something …
  std::optional<ConnectionId> asked_client_;  // … through that connection
  TimePoint answer_until_;
  TimePoint connected_by_;  // the end of connect_timeout
};

}  // namespace sallyport::mux
