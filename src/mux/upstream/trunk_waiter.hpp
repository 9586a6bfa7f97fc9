// What waits for a trunk: for its turn to log in, for its connection, for its login.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/told.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/targets/trunk_use.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {

class PooledTrunk;
struct PoolParts;

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

/// Waits for a trunk, on behalf of a client's connection, and has it then: what ChannelWish and TrunkHold have in common. It
/// never waits for ever, but at most twice `connect_timeout` and kLoginTime (for its turn, for the connection, and for the
/// login). Destroying it gives it up.
///
/// The one that a trunk was begun for is the one whose client the login asks for help; it is also where that client answers.
class TrunkWaiter : public UpstreamAnswers {
 public:
  enum class State : std::uint8_t {
    placing,  ///< the pool looks for a trunk
    waiting,  ///< for a trunk that isn't ready yet
    taking,   ///< of the trunk there is what was wished for, as far as we are concerned; there is no outcome yet
    held,     ///< a hold's outcome: the trunk, for as long as both are there
    failing,  ///< there is no trunk, which is told on the next turn
    over,     ///< the outcome has been told, and there is nothing more to do
  };

  ~TrunkWaiter() override;
  TrunkWaiter(const TrunkWaiter&) = delete;
  TrunkWaiter& operator=(const TrunkWaiter&) = delete;

  /// What was wished for.
  const TrunkAccess& access() const { return access_; }
  const ResolvedTarget& target() const { return access_.target(); }

  // UpstreamAnswers: to the login that it waits for, if that has asked.
  [[nodiscard]] std::unique_ptr<Stream> lend_agent(StreamEvents& events) override;
  void refuse_agent(std::string why) override;
  void answer(std::vector<SecretString> answers) override;
  void refuse_answer(std::string told) override;

  // For the pool and its trunks.
  const TrunkUse& use() const { return use_; }
  const ShareKey& key() const { return access_.key; }
  const std::optional<ConnectionId>& client() const { return access_.client.connection; }
  /// Who helps with the login while this one waits.
  LoginNeeds& helper() { return helper_; }
  /// The trunk isn't ready yet; go_on_with() or fail() follows.
  void wait_on(PooledTrunk& trunk);
  /// The trunk is ready.
  void go_on_with(PooledTrunk& trunk);
  /// Has the pool look for a trunk.
  void place();
  /// There is no trunk; `told` is for the client.
  void fail(wire::OpenFailureReason reason, Told told);
  /// The same on the next turn.
  void fail_later(wire::OpenFailureReason reason, Told told);

 protected:
  /// `helper` outlives it.
  TrunkWaiter(PoolParts& parts, TrunkAccess access, TrunkUse use, LoginNeeds& helper);

  /// Takes of the trunk what was wished for. The state is `taking` until there is an outcome.
  virtual void take(PooledTrunk& trunk) = 0;
  /// The outcome: none.
  virtual void report_failure(wire::OpenFailureReason reason, Told told) = 0;

  State state() const { return state_; }
  /// The only way into another state, which the journal is told. What was to happen after a time in the one before doesn't any
  /// more.
  void enter(State state);
  /// Calls `then` if it is in this state for so long.
  void call_after(Duration time, std::function<void()> then);
  /// The trunk was lost, or is silent, while this one was being taken, so that nothing has been started yet: it is safe to try
  /// again, since the connection may have been dead for long. A few times; then it fails.
  void try_elsewhere(Told told);
  /// Where it waits, or what is being taken or held. In these states alone.
  PooledTrunk& trunk() const { return *trunk_; }
  PoolParts& parts() const { return parts_; }

 private:
  Duration longest_wait() const;
  void wait_until(TimePoint when);
  void waited_too_long();
  /// The login that waits for the client's help; null when none does.
  UpstreamAnswers* login() const;

  PoolParts& parts_;
  TrunkAccess access_;
  TrunkUse use_;
  LoginNeeds& helper_;
  State state_ = State::placing;
  PooledTrunk* trunk_ = nullptr;
  TimePoint wait_until_;
  std::uint32_t losses_ = 0;      // see try_elsewhere()
  std::unique_ptr<Timer> timer_;  // of the present state
};

/// The enumerator's name.
std::string_view name_of(TrunkWaiter::State state);

}  // namespace sallyport::mux
