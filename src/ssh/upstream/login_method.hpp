// One credential at work in an upstream login (RFC 4252, the client's side).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/secret.hpp>
#include <sallyport/upstream.hpp>

#include "net/loop/fd.hpp"
#include "ssh/keys/certificate_signer.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/upstream/credentials.hpp"

struct ssh_session_struct;

namespace sallyport::ssh {

/// How far a method has come.
enum class MethodStep : std::uint8_t {
  again,  ///< it waits for the target, for an agent or for somebody's answer
  success,
  partial,  ///< accepted, and the target wants another method too
  refused,
  unusable,  ///< it came to nothing on our side
};

/// What a method has at hand. Outlives it.
class LoginHost {
 public:
  virtual ~LoginHost() = default;
  virtual ssh_session_struct* session() = 0;
  virtual LoopIo& io() = 0;
  virtual const ClientOptions& options() const = 0;
  /// proceed() is to be called, on a turn of its own.
  virtual void wake() = 0;
  /// These two are passed on to the client; what comes of it goes to the method's on_agent(), or on_answers().
  virtual void want_agent() = 0;
  virtual void ask(UpstreamQuestion question) = 0;
  /// The target takes this method (one of libssh's SSH_AUTH_METHOD_*), or has not said what it takes.
  virtual bool takes(int method) const = 0;
  /// How many keys an agent may still offer: a target ends the connection after some that it refuses.
  virtual std::uint32_t offers_left() const = 0;
  virtual void note_refused_offer() = 0;
};

class LoginMethod {
 public:
  explicit LoginMethod(LoginHost& host) : host_(host) {}
  virtual ~LoginMethod() = default;
  LoginMethod(const LoginMethod&) = delete;
  LoginMethod& operator=(const LoginMethod&) = delete;

  /// Goes on as far as it can. Called whenever the target has said something, and after LoginHost::wake().
  virtual MethodStep proceed() = 0;
  /// What came of it, for the log; empty: there is nothing to add.
  const std::string& detail() const { return detail_; }
  /// What a client is to know if the whole login fails; empty: nothing.
  const std::string& told() const { return told_; }

  // What was asked for by LoginHost. What wasn't is dropped.
  virtual void on_agent(Result<net::Fd> socket) { static_cast<void>(socket); }
  virtual void on_answers(std::vector<SecretString> answers) { static_cast<void>(answers); }
  virtual void on_no_answer(std::string told) { static_cast<void>(told); }

 protected:
  /// What one of libssh's ssh_userauth_* functions has returned.
  MethodStep step_of(int rc);
  MethodStep unusable(std::string detail) {
    detail_ = std::move(detail);
    return MethodStep::unusable;
  }

  LoginHost& host_;
  std::string detail_;
  std::string told_;
};

/// Makes the method for a credential, which outlives it.
std::unique_ptr<LoginMethod> make_login_method(LoginHost& host, const ReadyCredential& credential);

/// libssh's SSH_AUTH_METHOD_* of a credential; several where it can do with any of them.
int methods_of(Credential::Kind kind);

}  // namespace sallyport::ssh
