// Passwords and questions by PAM, and the sessions that it opens.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/told_once.hpp>

#include "identity/auth_attempt.hpp"
#include "identity/pam_helper.hpp"

namespace sallyport::identity {

/// One attempt at "password" or "keyboard-interactive" in a helper of its own. When it is accepted, the outcome has the
/// helper, which can open the session.
///
/// keyboard-interactive shows what PAM asks and tells as it comes. For "password", PAM's first prompt without echo gets the
/// client's password; a service that asks for more than that refuses it. An expired password is changed in both.
class PamAttempt final : public AuthAttempt, private PamHelperEvents {
 public:
  /// `password` is null for keyboard-interactive.
  PamAttempt(PamEnvironment& environment, ConnectionId connection, pam::Start start, std::shared_ptr<const SecretString> password,
             AuthAttemptEvents& events);
  void start() override;
  void answer(std::vector<SecretString> answers) override;

 private:
  enum class State : std::uint8_t {
    helper,        // its turn
    client,        // answers are awaited
    new_password,  // method "password": the new one is awaited
    last_words,    // the client has been shown what PAM had to say at the end
    done,
  };

  void on_pam_questions(std::vector<pam::Message> questions) override;
  void on_pam_changing() override { changing_ = true; }
  void on_pam_authenticated() override;
  void on_pam_opened() override {}
  void on_pam_failed(pam::Failed failed) override;

  bool is_password() const { return password_ != nullptr; }
  void answer_prompts();
  void answer_with_new_password();
  void conclude(AttemptOutcome outcome);
  void tell(AttemptOutcome outcome);
  void refuse(std::string reason);

  PamEnvironment& environment_;
  const ConnectionId connection_;
  const pam::Start start_;
  ToldOnce<AuthAttemptEvents> events_;
  std::unique_ptr<PamHelper> helper_;
  State state_ = State::helper;
  std::shared_ptr<const SecretString> password_;  // method "password"
  std::shared_ptr<const SecretString> new_password_;
  std::shared_ptr<const SecretString> typed_;  // what seems to be the user's password
  std::string texts_;                          // not shown yet
  std::vector<pam::Message> prompts_;          // not answered yet
  bool changing_ = false;
  bool password_given_ = false;
  AttemptOutcome outcome_;  // in State::last_words
};

/// The account and the session of a login whose methods have all been passed.
class PamSession final : private PamHelperEvents {
 public:
  using Done = std::function<void(Result<std::unique_ptr<PamHelper>>)>;

  /// `helper` may be null: then one is started that authenticates nobody. `say` shows a text to the client. `done` is
  /// called once, from the loop, and may destroy *this on a later turn only.
  PamSession(PamEnvironment& environment, ConnectionId connection, pam::Start start, std::unique_ptr<PamHelper> helper,
             std::function<void(std::string_view)> say, Done done);

 private:
  void on_pam_questions(std::vector<pam::Message> questions) override;
  void on_pam_changing() override {}
  void on_pam_authenticated() override { helper_->open_session(); }
  void on_pam_opened() override;
  void on_pam_failed(pam::Failed failed) override;

  std::function<void(std::string_view)> say_;
  OutcomeOnce<Result<std::unique_ptr<PamHelper>>> done_;
  std::unique_ptr<PamHelper> helper_;
};

}  // namespace sallyport::identity
