// The downstream role: a client's connection from accept to login.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/result.hpp>
#include <sallyport/transport.hpp>

#include "net/fd.hpp"
#include "ssh/connection_info.hpp"
#include "ssh/host_keys.hpp"
#include "ssh/loop_io.hpp"

namespace sallyport::ssh {

/// How to be a server.
struct ServerOptions {
  std::string identification = sallyport::ServerSettings::kDefaultIdentification;  ///< what follows "SSH-2.0-"
  std::string banner;     ///< shown before the login; empty: none
  Algorithms algorithms;  ///< what is absent gets the built-in lists
  Duration login_grace_time = std::chrono::seconds(60);
  std::uint32_t max_auth_tries = 6;
  std::vector<std::string> methods{"publickey"};  ///< named to the client when it is refused
  std::uint64_t rekey_data = 0;                   ///< bytes after which keys are exchanged anew; 0: libssh's choice
};

/// Host keys and options, checked and ready for any number of connections. Never changes; a reload makes another.
class ServerContext {
 public:
  /// Errc::config when an algorithm is unknown or no host key fits the allowed types.
  static Result<std::shared_ptr<const ServerContext>> make(const HostKeys& keys, ServerOptions options);

  const ServerOptions& options() const { return options_; }

 private:
  friend class ServerConnection;
  ServerContext(ServerOptions options, BindHandle bind) : options_(std::move(options)), bind_(std::move(bind)) {}

  ServerOptions options_;
  BindHandle bind_;
};

/// A request of a client's to be let in (RFC 4252, section 5).
struct UserauthRequest {
  enum class Method : std::uint8_t {
    none,       ///< the client asks which methods there are
    publickey,  ///< with `key`
  };
  struct PublicKey {
    std::string algorithm;    ///< of the signature: "rsa-sha2-512"
    Bytes blob;               ///< the key as it stands on the wire
    std::string fingerprint;  ///< "SHA256:…"
    /// False: the client only asks whether the key would do. True: it has proved that it has the private half; the
    /// signature has been verified.
    bool is_signed = false;
    bool user_present = false;   ///< sk keys: the signature says that the authenticator was touched
    bool user_verified = false;  ///< sk keys: … and that its user was verified
  };

  std::string user;  ///< the login name as it came: to be escaped before it is shown
  Method method = Method::none;
  std::optional<PublicKey> key;
};

/// Who decides about a connection. Every call comes from the loop, never inside a call of ServerConnection's.
class ServerEvents {
 public:
  virtual ~ServerEvents() = default;
  /// To be answered by accept(), reject() or offer_ok(), now or later; the next request comes after the answer.
  virtual void on_userauth(const UserauthRequest& request) = 0;
  /// After accept(): the connection protocol begins. `transport` must be attached inside this call or before the next
  /// turn of the loop. The ServerConnection has nothing more to do; destroy it when you like, here too.
  virtual void on_logged_in(std::unique_ptr<Transport> transport) = 0;
  /// The end without a login, once; nothing comes after it. Errc::timeout after the grace time, Errc::denied after too
  /// many tries, Errc::closed when the client went, Errc::protocol, Errc::io. *this may be destroyed here.
  virtual void on_failed(const Error& why) = 0;
};

/// One client's connection until it is logged in. Destroying it closes it.
class ServerConnection {
 public:
  /// `fd` is a connected stream socket. `io` and `events` must outlive the connection.
  ServerConnection(LoopIo& io, std::shared_ptr<const ServerContext> context, net::Fd fd, ServerEvents& events);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  /// Lets the client in. Only for a request that is_signed (or for another method's proof): an offer is no login, and
  /// accepting one rejects it.
  void accept();
  /// Refuses; the client may try something else, max_auth_tries times in all. As with sshd a refused offer is a try,
  /// and "none" isn't.
  void reject();
  /// Answers an offer: a signature by this key would do.
  void offer_ok();

  /// Sends DISCONNECT and closes; on_failed follows.
  void disconnect(DisconnectReason reason, std::string_view text);

  /// What was negotiated; empty strings before the key exchange.
  ConnectionInfo info() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::ssh
