#include "mux/upstream/trunk_waiter.hpp"

#include <utility>

#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {
namespace {

/// Who loses a trunk before there is an outcome is tried again on another one that many times.
constexpr std::uint32_t kMaximumLosses = 2;

}  // namespace

std::string_view name_of(TrunkWaiter::State state) {
  switch (state) {
    case TrunkWaiter::State::placing: return "placing";
    case TrunkWaiter::State::waiting: return "waiting";
    case TrunkWaiter::State::taking: return "taking";
    case TrunkWaiter::State::held: return "held";
    case TrunkWaiter::State::failing: return "failing";
    case TrunkWaiter::State::over: return "over";
  }
  return "unknown";
}

TrunkWaiter::TrunkWaiter(PoolParts& parts, TrunkAccess access, TrunkUse use, LoginNeeds& helper)
    : parts_(parts), access_(std::move(access)), use_(use), helper_(helper), wait_until_(parts.clock.now() + longest_wait()) {}

TrunkWaiter::~TrunkWaiter() {
  if (state_ == State::waiting) trunk_->stop_waiting(*this);
}

Duration TrunkWaiter::longest_wait() const { return 2 * target().options.connect_timeout + kLoginTime; }

void TrunkWaiter::enter(State state) {
  timer_.reset();
  const State from = std::exchange(state_, state);
  if (from != state && parts_.journal.follows_steps())
    parts_.journal.tell(facts::TrunkWishStep{key().user, client(), target().name, name_of(from), name_of(state)});
}

void TrunkWaiter::call_after(Duration time, std::function<void()> then) { timer_ = parts_.clock.after(time, std::move(then)); }

void TrunkWaiter::place() {
  enter(State::placing);
  parts_.pool.place(*this);
}

void TrunkWaiter::wait_on(PooledTrunk& trunk) {
  trunk_ = &trunk;
  enter(State::waiting);
  trunk.wait(*this);
  wait_until(wait_until_);
}

void TrunkWaiter::wait_until(TimePoint when) {
  wait_until_ = when;
  call_after(when - parts_.clock.now(), [this] { waited_too_long(); });
}

void TrunkWaiter::waited_too_long() {
  // A person is slower than any target; the login itself has a limit for that.
  if (trunk_->awaits_answer()) return wait_until(parts_.clock.now() + target().options.connect_timeout + kLoginTime);
  trunk_->stop_waiting(*this);
  fail(wire::OpenFailureReason::connect_failed, Told("target " + target().name + " can't be reached: no connection in time"));
}

void TrunkWaiter::go_on_with(PooledTrunk& trunk) {
  trunk_ = &trunk;
  enter(State::taking);
  take(trunk);
}

void TrunkWaiter::try_elsewhere(Told told) {
  if (++losses_ > kMaximumLosses) return fail(wire::OpenFailureReason::connect_failed, told);
  wait_until_ = parts_.clock.now() + longest_wait();
  place();
}

void TrunkWaiter::fail(wire::OpenFailureReason reason, Told told) {
  enter(State::over);
  report_failure(reason, told);
}

void TrunkWaiter::fail_later(wire::OpenFailureReason reason, Told told) {
  enter(State::failing);
  call_after(Duration::zero(), [this, reason, text = std::string(told.text())] { fail(reason, Told(text)); });
}

UpstreamAnswers* TrunkWaiter::login() const { return state_ == State::waiting ? trunk_->login_that_asked(*this) : nullptr; }

std::unique_ptr<Stream> TrunkWaiter::lend_agent(StreamEvents& events) {
  UpstreamAnswers* const asker = login();
  return asker == nullptr ? nullptr : asker->lend_agent(events);
}

void TrunkWaiter::refuse_agent(std::string why) {
  if (UpstreamAnswers* const asker = login()) asker->refuse_agent(std::move(why));
}

void TrunkWaiter::answer(std::vector<SecretString> answers) {
  if (UpstreamAnswers* const asker = login()) asker->answer(std::move(answers));
}

void TrunkWaiter::refuse_answer(std::string told) {
  if (UpstreamAnswers* const asker = login()) asker->refuse_answer(std::move(told));
}

}  // namespace sallyport::mux
