// A wish for one upstream channel, until it is open or has failed; or a hold on a trunk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/protocol/channel.hpp"

namespace sallyport::mux {

class Pool;
class PooledTrunk;
class Trunk;

/// What the login of a trunk needs of the client whose wish made it begin; see UpstreamNeeds. Who isn't able to help need not
/// say so.
class LoginNeeds : public UpstreamNeeds {
 public:
  void on_agent_wanted(UpstreamAnswers& to) override { to.refuse_agent("the client has not lent it to this channel"); }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override {
    if (question.prompts.empty()) return to.answer({});  // something is told, and nothing to be answered
    to.refuse_answer("it asks a question, which only a session with a terminal can answer: log in with ssh -t");
  }
};

/// Receives the outcome of a lease: exactly one of on_leased() and on_lease_failed(), never inside Pool::lease().
class LeaseEvents : public LoginNeeds {
 public:
  /// The channel has been asked for on that trunk, before there is an outcome; anew when it is tried elsewhere. Not called for
  /// what was asked for inside Pool::lease(): see Lease::asked_on().
  virtual void on_asked(TrunkId trunk) { static_cast<void>(trunk); }
  /// An open channel on a trunk. It belongs to the trunk; whoever has it ends it by abandon() or by CLOSE.
  virtual void on_leased(Channel& channel, TrunkId trunk) = 0;
  /// `told` is for the client; `reason` is the target's own when it refused.
  virtual void on_lease_failed(wire::OpenFailureReason reason, std::string_view told) = 0;
};

/// Receives the outcome of a hold: on_held() or on_hold_failed(), never inside Pool::hold(); and after the former perhaps
/// on_hold_lost().
class HoldEvents : public LoginNeeds {
 public:
  /// The trunk is there, and stays as long as the lease and its connection do, channels or not.
  virtual void on_held(Trunk& trunk) = 0;
  /// `told` is for the client.
  virtual void on_hold_failed(std::string_view told) = 0;
  /// The trunk's connection is gone. The trunk must not be used any more.
  virtual void on_hold_lost(std::string_view told) = 0;
};

/// A wish for a channel, or a hold on a trunk itself. Destroying it gives the wish up, or lets go of the trunk. A lease never
/// waits for ever: it waits at most twice `connect_timeout` and kLoginTime for a trunk (for its turn, for the connection, and for
/// the login), and then for the target's answer.
///
/// The wish that a trunk was begun for is the one whose client the login asks for help; it is also where that client answers.
class Lease final : public UpstreamAnswers, private OpenEvents {
 public:
  /// How long the target may take for a forwarding, where it has a connection to make first. A session needs nothing of
  /// that: without an answer within `connect_timeout` it is tried elsewhere.
  static constexpr Duration kForwardingTimeout = std::chrono::minutes(5);

  ~Lease() override;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// What was wished for.
  const TrunkAccess& access() const { return access_; }
  const ResolvedTarget& target() const { return target_; }
  /// Where the channel has been asked for; absent while there is no trunk for it.
  std::optional<TrunkId> asked_on() const;

  // UpstreamAnswers: to the login that it waits for, if that has asked.
  [[nodiscard]] std::unique_ptr<Stream> lend_agent(StreamEvents& events) override;
  void refuse_agent(std::string why) override;
  void answer(std::vector<SecretString> answers) override;
  void refuse_answer(std::string told) override;

 private:
  friend class Pool;
  friend class PooledTrunk;
  Lease(Pool& pool, TrunkAccess access, ResolvedTarget target, OpenRequest request, LeaseEvents& events);
  Lease(Pool& pool, TrunkAccess access, ResolvedTarget target, std::optional<TrunkId> beside, HoldEvents& holder);

  void on_open_confirmed() override;
  void on_open_refused(wire::OpenFailureReason reason, std::string_view description) override;
  void on_open_lost(std::string_view told) override;

  bool is_hold() const { return request_.type.empty(); }
  bool is_session() const { return request_.type == kSessionType; }
  /// For a trunk.
  Duration longest_wait() const { return 2 * target_.options.connect_timeout + kLoginTime; }
  const ShareKey& key() const { return access_.key; }
  const std::optional<ConnectionId>& client() const { return access_.client.connection; }
  /// The login that waits for the client's help; null when none does.
  UpstreamAnswers* login() const;
  /// Who helps with the login.
  LoginNeeds& helper() { return helper_; }
  void wait_on(PooledTrunk& trunk);
  /// The trunk is ready.
  void go_on_with(PooledTrunk& trunk) { is_hold() ? hold(trunk) : open_on(trunk); }
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
  TrunkAccess access_;
  ResolvedTarget target_;
  OpenRequest request_;
  ToldOnce<LeaseEvents> events_;  // of a wish for a channel …
  ToldOnce<HoldEvents> holder_;   // … and of one for the trunk itself, whose request has no type
  LoginNeeds& helper_;            // who helps with the login, while one of these waits
  TimePoint wait_until_;
  PooledTrunk* trunk_ = nullptr;  // where it waits or is being opened, or what is held
  bool held_ = false;
  bool placed_ = false;                      // Pool::lease() is over
  Channel* channel_ = nullptr;               // while it is being opened
  std::optional<std::size_t> taken_before_;  // sessions that a trunk had had, when it refused this one beside no other
  std::uint32_t losses_ = 0;                 // trunks that went, or were silent, while it was being opened
  std::unique_ptr<Timer> timer_;             // until the end of the present phase
};

}  // namespace sallyport::mux
