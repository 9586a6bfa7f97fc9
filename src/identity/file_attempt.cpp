#include "identity/file_attempt.hpp"

#include <chrono>
#include <utility>

namespace sallyport::identity {
namespace {

using Check = Result<auth::FactorCheck>;

AttemptOutcome outcome_of(const Check& check) {
  if (!check) return {.kind = AttemptOutcome::Kind::unavailable, .reason = check.error().detail};
  if (!check->accepted) return {.kind = AttemptOutcome::Kind::refused, .reason = check->reason};
  return {.kind = AttemptOutcome::Kind::accepted, .reason = {}};
}

/// Runs `check` in the thread pool and gives its result to `then`, on the loop.
std::unique_ptr<net::Work> in_thread(net::WorkLane& lane, std::function<Check()> check, std::function<void(const Check&)> then) {
  auto result = std::make_shared<Check>(fail(Errc::unavailable, "not checked"));
  return lane.work([result, check = std::move(check)] { *result = check(); },
                   [result, then = std::move(then)] { then(*result); });
}

std::unique_ptr<net::Work> check_password(const FileFactors& factors, std::shared_ptr<const SecretString> password,
                                          std::function<void(const Check&)> then) {
  return in_thread(
      factors.lane,
      [config = factors.config, user = factors.user, password = std::move(password)] {
        return auth::check_password_in(config->auth.password_file, user, *password);
      },
      std::move(then));
}

}  // namespace

void PasswordFileAttempt::start() {
  work_ = check_password(factors_, password_, [this](const Check& check) {
    AttemptOutcome outcome = outcome_of(check);
    if (outcome.kind == AttemptOutcome::Kind::accepted) outcome.password = password_;
    events_.end(&AuthAttemptEvents::on_outcome, std::move(outcome), nullptr);
  });
}

void PasswordFileAttempt::answer(std::vector<SecretString>) {}  // it asks nothing

void FileQuestionsAttempt::start() {
  if (asks_.password) return ask(Step::password, "Password: ");
  if (asks_.code) return ask(Step::code, "Verification code: ");
  end(AttemptOutcome::Kind::unavailable, "there is nothing left to ask for");
}

void FileQuestionsAttempt::ask(Step step, const char* prompt) {
  step_ = step;
  events_.tell(&AuthAttemptEvents::on_questions, InfoRequest{{}, {}, {{prompt, false}}});
}

void FileQuestionsAttempt::answer(std::vector<SecretString> answers) {
  if (work_ != nullptr) return;  // not asked
  if (answers.size() != 1) return end(AttemptOutcome::Kind::refused, "wrong number of answers");
  if (step_ == Step::code) return check_code(std::move(answers.front()));
  if (step_ != Step::password) return;
  outcome_.password = std::make_shared<const SecretString>(std::move(answers.front()));
  work_ = check_password(factors_, outcome_.password, [this](const Check& check) {
    work_.reset();
    checked_password(check);
  });
}

void FileQuestionsAttempt::checked_password(const Check& check) {
  AttemptOutcome outcome = outcome_of(check);
  if (outcome.kind != AttemptOutcome::Kind::accepted) outcome_ = std::move(outcome);
  if (asks_.code) return ask(Step::code, "Verification code: ");
  end(outcome_.kind, outcome_.reason);
}

void FileQuestionsAttempt::check_code(SecretString code) {
  // A code isn't even looked at behind a wrong password: it would be used up by somebody who doesn't know the other half.
  if (outcome_.kind != AttemptOutcome::Kind::accepted) return end(outcome_.kind, outcome_.reason);
  auto shared = std::make_shared<const SecretString>(std::move(code));
  work_ = in_thread(
      factors_.lane,
      [config = factors_.config, codes = factors_.codes, user = factors_.user, shared] {
        return codes->check(config->auth.totp_file, user, *shared, std::chrono::system_clock::now());
      },
      [this](const Check& check) {
        const AttemptOutcome outcome = outcome_of(check);
        outcome_.second_factor = outcome.kind == AttemptOutcome::Kind::accepted;
        end(outcome.kind, outcome.reason);
      });
}

void FileQuestionsAttempt::end(AttemptOutcome::Kind kind, std::string reason) {
  step_ = Step::done;
  outcome_.kind = kind;
  outcome_.reason = std::move(reason);
  if (kind != AttemptOutcome::Kind::accepted) outcome_.password = nullptr;
  events_.end(&AuthAttemptEvents::on_outcome, std::move(outcome_), nullptr);
}

}  // namespace sallyport::identity
