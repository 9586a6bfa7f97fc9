// One attempt at a method that asks for more than a key: what every such method looks like to whoever checks an identity.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <sallyport/identity.hpp>
#include <sallyport/secret.hpp>

#include "identity/pam_helper.hpp"

namespace sallyport::identity {

/// What an attempt tells its owner, also from inside start() and answer(). The owner must not destroy it there.
class AuthAttemptEvents {
 public:
  virtual ~AuthAttemptEvents() = default;
  /// keyboard-interactive: to be answered by answer().
  virtual void on_questions(const InfoRequest& questions) = 0;
  /// password: it was right, but has to be changed. answer() follows, with the old one and the new one.
  virtual void on_password_change(std::string_view prompt) = 0;
  /// Something to show to the user, when the client lets us, before the outcome.
  virtual void on_text(std::string_view text) = 0;
  /// Comes once; nothing follows. `helper`: accepted by PAM, and who can open the session; null otherwise.
  virtual void on_outcome(AttemptOutcome outcome, std::unique_ptr<PamHelper> helper) = 0;
};

/// Destroying it gives the attempt up, whatever it waits for.
class AuthAttempt {
 public:
  virtual ~AuthAttempt() = default;
  virtual void start() = 0;
  /// The client's answers to what was asked last. Their number may be wrong: then they are.
  virtual void answer(std::vector<SecretString> answers) = 0;
};

}  // namespace sallyport::identity
