// Passwords and one-time codes by the files of [auth].
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>
#include <sallyport/told_once.hpp>

#include "auth/factors/one_time_codes.hpp"
#include "auth/factors/password_file.hpp"
#include "identity/auth_attempt.hpp"
#include "net/loop/work_lane.hpp"

namespace sallyport::identity {

/// What the file-based attempts work with.
struct FileFactors {
  net::WorkLane& lane;
  std::shared_ptr<const Config> config;
  std::shared_ptr<auth::OneTimeCodes> codes;
  std::string user;
};

/// The method "password" by auth.password_file.
class PasswordFileAttempt final : public AuthAttempt {
 public:
  PasswordFileAttempt(FileFactors factors, std::shared_ptr<const SecretString> password, AuthAttemptEvents& events)
      : factors_(std::move(factors)), password_(std::move(password)), events_(events) {}
  void start() override;
  void answer(std::vector<SecretString> answers) override;

 private:
  FileFactors factors_;
  std::shared_ptr<const SecretString> password_;
  ToldOnce<AuthAttemptEvents> events_;
  std::unique_ptr<net::Work> work_;
};

/// The method "keyboard-interactive" by auth.password_file and auth.totp_file: a password, a one-time code, or the one
/// and then the other. The code is asked for whether the password was right or not, and so is everything for users that
/// don't exist: only the end says that something was wrong, and not what.
class FileQuestionsAttempt final : public AuthAttempt {
 public:
  struct Asks {
    bool password = false;
    bool code = false;
  };
  FileQuestionsAttempt(FileFactors factors, Asks asks, AuthAttemptEvents& events)
      : factors_(std::move(factors)), asks_(asks), events_(events) {}
  void start() override;
  void answer(std::vector<SecretString> answers) override;

 private:
  enum class Step : std::uint8_t { password, code, done };

  void ask(Step step, const char* prompt);
  void checked_password(const Result<auth::FactorCheck>& check);
  void check_code(SecretString code);
  void end(AttemptOutcome::Kind kind, std::string reason);

  FileFactors factors_;
  const Asks asks_;
  ToldOnce<AuthAttemptEvents> events_;
  Step step_ = Step::done;
  AttemptOutcome outcome_{.kind = AttemptOutcome::Kind::accepted, .reason = {}};  // as far as it is known
  std::unique_ptr<net::Work> work_;
};

}  // namespace sallyport::identity
