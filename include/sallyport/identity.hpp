// The port between a login (entry) and what this machine knows of its users: their keys, passwords, codes and accounts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/config.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/userauth.hpp>

namespace sallyport {

/// Whose identity is in question.
struct Claimant {
  ConnectionId connection{};             ///< for the log
  std::string source;                    ///< the client's literal address
  std::shared_ptr<const Config> config;  ///< by which it logs in, whatever is reloaded meanwhile
};

/// An attempt at a method that asks for more than a key.
struct AttemptSpec {
  std::string user;  ///< as route::parse_login_name() gave it
  /// Method "password": what the client gave. Null: keyboard-interactive, whose questions come.
  std::shared_ptr<const SecretString> password;
  bool password_passed = false;  ///< another method has asked for the password already: once is enough
};

/// How an attempt ended.
struct AttemptOutcome {
  enum class Kind : std::uint8_t {
    accepted,
    refused,      ///< what the client gave was wrong, or doesn't count now
    unavailable,  ///< nobody could tell: refused as well, and the administrator has to look
  };
  Kind kind = Kind::unavailable;
  std::string reason;          ///< why not; for the log
  bool second_factor = false;  ///< accepted, with a one-time code
  /// Accepted: what the client typed as its password, if it is known which of its answers that was.
  std::shared_ptr<const SecretString> password = nullptr;
};

/// What keeps a session of the machine open, and closes it with the last copy.
using MachineSession = std::shared_ptr<void>;

/// What an IdentityCheck answers: plain values, from the loop, never inside a call of the check's, which may be destroyed inside.
class IdentityEvents {
 public:
  virtual ~IdentityEvents() = default;
  /// Answers look_up_key().
  virtual void on_key(KeyVerdict verdict) = 0;
  /// The attempt, keyboard-interactive: to be answered by answer().
  virtual void on_questions(InfoRequest questions) = 0;
  /// The attempt, method "password": it was right, but has to be changed. answer() follows, with the old one and the new one.
  virtual void on_password_change(std::string prompt) = 0;
  /// Something to show to the user, when the client lets us, in front of an outcome or a session.
  virtual void on_text(std::string text) = 0;
  /// The end of the attempt.
  virtual void on_outcome(AttemptOutcome outcome) = 0;
  /// Answers open_session(). Errc::denied when the account may not log in now; anything else: nobody could tell.
  virtual void on_session(Result<MachineSession> session) = 0;
};

/// What one client is asked and told to find out who it is. One thing at a time: each question when the one before has been
/// answered or given up. Destroying it gives up what is under way.
class IdentityCheck {
 public:
  virtual ~IdentityCheck() = default;
  /// Whether that key or certificate (as it stands on the wire) may log in as that user. on_key() follows.
  virtual void look_up_key(const std::string& user, Bytes key) = 0;
  /// on_outcome() follows in the end, with on_questions() or on_password_change() before it as often as it takes. Wrong
  /// passwords and codes count against the user, and when there have been too many of them none is right.
  virtual void begin_attempt(AttemptSpec spec) = 0;
  /// The client's answers to what was asked last. Their number may be wrong: then they are.
  virtual void answer(std::vector<SecretString> answers) = 0;
  /// The client has given the attempt up, if one is under way: there is no outcome. It counts as a wrong password when an answer
  /// had been given, or the right one could be found out by giving up behind the question that follows it.
  virtual void give_up_attempt() = 0;
  /// The account and the session of a user whose methods have all been passed. on_session() follows.
  virtual void open_session(const std::string& user) = 0;
};

/// Everybody's.
class Identities {
 public:
  virtual ~Identities() = default;
  /// Must outlive the check, and `events` too.
  [[nodiscard]] virtual std::unique_ptr<IdentityCheck> check(Claimant claimant, IdentityEvents& events) = 0;
};

}  // namespace sallyport
