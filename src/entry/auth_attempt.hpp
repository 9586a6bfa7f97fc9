// One attempt at a method that asks for more than a key: what every such method looks like to Login.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/secret.hpp>

#include "entry/pam_helper.hpp"
#include "ssh/downstream/userauth_packet.hpp"

namespace sallyport::app {

/// How an attempt ended.
struct AuthOutcome {
  enum class Kind : std::uint8_t {
    accepted,
    refused,      ///< what the client gave was wrong; counts against the user
    unavailable,  ///< nobody could tell: refused as well, and the administrator has to look
  };
  Kind kind = Kind::unavailable;
  std::string reason;          ///< for the log
  bool second_factor = false;  ///< accepted, with a one-time code
  /// What the client typed as its password, if it is known which of its answers that was.
  std::shared_ptr<const SecretString> password = nullptr;
  std::unique_ptr<PamHelper> pam = nullptr;  ///< accepted by PAM: who can open the session
};

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
  /// Comes once; nothing follows.
  virtual void on_outcome(AuthOutcome outcome) = 0;
};

/// Destroying it gives the attempt up, whatever it waits for.
class AuthAttempt {
 public:
  virtual ~AuthAttempt() = default;
  virtual void start() = 0;
  /// The client's answers to what was asked last. Their number may be wrong: then they are.
  virtual void answer(std::vector<SecretString> answers) = 0;
  /// After on_password_change(): the next request may bring the new one.
  virtual bool wants_new_password() const { return false; }
};

}  // namespace sallyport::app
