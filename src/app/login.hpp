// One client from accept to login: who is it, and where may it go?
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/audit.hpp>
#include <sallyport/config.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/stream.hpp>

#include "auth/authorized_keys.hpp"
#include "log/logger.hpp"
#include "mux/admission.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"
#include "route/login_name.hpp"
#include "route/router.hpp"
#include "ssh/server_login.hpp"

namespace sallyport::app {

class Login;

/// Receives the outcome of a login, exactly one of the two; the login may be retired in either.
class LoginEvents {
 public:
  virtual ~LoginEvents() = default;
  virtual void on_login(mux::Admission client, std::unique_ptr<Transport> transport) = 0;
  virtual void on_login_failed(Login& login) = 0;
  /// Why this user may not have one more connection; empty when it may.
  virtual std::string refuses_user(const std::string& user) const = 0;
};

/// What logins work with; a reload makes another for the logins after it.
struct LoginContext {
  std::shared_ptr<const Config> config;
  std::shared_ptr<const ssh::ServerContext> server;
};

class Login final : private ssh::ServerEvents {
 public:
  /// Who has connected.
  struct Client {
    ConnectionId id{};
    mux::Endpoint source;
    mux::Endpoint local;  ///< ours; empty when it came through a channel
    std::optional<InnerClient> inner;
  };
  /// The references outlive the login. Its cryptography is done on the loop of `away`.
  Login(ssh::LoopIo& io, ssh::LoopIo& away, LoginContext context, Client client, net::Fd fd, log::Logger& log, AuditTrail& audit,
        LoginEvents& owner);
  ~Login() override;

  ConnectionId id() const { return client_.id; }
  void disconnect(DisconnectReason reason, std::string_view text) { connection_.disconnect(reason, text); }

 private:
  /// What the key files said about a key, for the time of this login.
  struct KnownKey {
    Bytes blob;
    std::optional<LoginGrant> accepted;
  };

  void on_userauth(const ssh::UserauthRequest& request) override;
  void on_info_response(std::vector<SecretString> answers) override;
  void on_logged_in(std::unique_ptr<Transport> transport) override;
  void on_failed(const Error& why) override;

  void look_up_key();
  void decide();
  void reject(std::string_view why);
  void record_auth(bool success, std::string_view why);

  ssh::LoopIo& io_;
  LoginContext context_;
  log::Logger& log_;
  AuditTrail& audit_;
  LoginEvents& owner_;
  mux::Admission client_;
  std::string default_target_;  // for a login name without one
  ssh::UserauthRequest request_;
  std::optional<KnownKey> known_key_;
  std::unique_ptr<net::Work> look_up_;
  ssh::ServerLogin connection_;
};

}  // namespace sallyport::app
