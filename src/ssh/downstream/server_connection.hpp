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
#include <sallyport/secret.hpp>
#include <sallyport/transport.hpp>

#include "net/loop/fd.hpp"
#include "ssh/downstream/userauth_packet.hpp"
#include "ssh/keys/host_keys.hpp"
#include "ssh/transport/connection_info.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::ssh {

/// How to be a server.
struct ServerOptions {
  std::string identification = sallyport::ServerSettings::kDefaultIdentification;  ///< what follows "SSH-2.0-"
  std::string banner;                                                              ///< shown before the login; empty: none
  Algorithms algorithms;                                                           ///< what is absent gets the built-in lists
  Duration login_grace_time = std::chrono::seconds(60);
  std::uint32_t max_auth_tries = 6;
  std::vector<std::string> methods{"publickey"};  ///< named to a client that is refused, until can_continue() says otherwise
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
  ServerContext(ServerOptions options, BindHandle bind, std::vector<KeyHandle> ecdsa_keys)
      : options_(std::move(options)), bind_(std::move(bind)), ecdsa_keys_(std::move(ecdsa_keys)) {}

  ServerOptions options_;
  BindHandle bind_;                    // has one key of each kind
  std::vector<KeyHandle> ecdsa_keys_;  // all
};

/// A request of a client's to be let in (RFC 4252, section 5).
struct UserauthRequest {
  enum class Method : std::uint8_t {
    none,                  ///< the client asks which methods there are
    publickey,             ///< with `key`
    password,              ///< with `password`
    keyboard_interactive,  ///< to be answered by ask(), as often as it takes, and then accept() or reject()
    other,                 ///< that we don't have: `method_name`
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
  std::string method_name;  ///< as the RFCs have it; the peer's own text when it is Method::other
  /// Absent: the key can't be used, or its signature is wrong, or costly (signature_cost.hpp) with no offer_ok() for the
  /// key before it; which proves nothing and can only be rejected.
  std::optional<PublicKey> key;
  bool is_offer = false;                         ///< Method::publickey without a signature, whether the key can be used or not
  std::shared_ptr<const SecretString> password;  ///< set with Method::password
  std::shared_ptr<const SecretString> new_password;  ///< set when the client wants to change it (RFC 4252, section 8)
};

/// Who decides about a connection. Every call comes from the loop, never inside a call of ServerConnection's.
class ServerEvents {
 public:
  virtual ~ServerEvents() = default;
  /// To be answered by one of accept(), pass(), reject(), offer_ok(), ask() and ask_new_password(), now or later; the
  /// next request comes after the answer. A request that comes after ask() means that the client has given up the one
  /// that the questions were about: that counts as a try, and wants no answer any more. A first request "none", by which a
  /// client asks what there is, is answered without asking here.
  virtual void on_userauth(const UserauthRequest& request) = 0;
  /// The answers to ask()'s prompts; when they aren't as many, the request has to be rejected (RFC 4256, 3.4). Likewise to
  /// be answered, but not by offer_ok() or ask_new_password().
  virtual void on_info_response(std::vector<SecretString> answers) = 0;
  /// After accept(): the connection protocol begins. `transport` must be attached inside this call or before the next
  /// turn of the loop. The ServerConnection has nothing more to do; destroy it when you like, here too.
  virtual void on_logged_in(std::unique_ptr<Transport> transport) = 0;
  /// The end without a login, once; nothing comes after it. Errc::timeout after the grace time, Errc::denied after too
  /// many tries, Errc::unavailable without an algorithm in common or the strict exchange that is required, Errc::closed when the
  /// client went, Errc::protocol, Errc::io. *this may be destroyed here.
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

  /// Lets the client in. Only for a request that is_signed, a password or keyboard-interactive: an offer is no login,
  /// and neither are "none" and methods that we don't have; accepting one rejects it.
  void accept();
  /// The method has been passed, and another is still needed (RFC 4252, 5.1: partial success). Name it by can_continue()
  /// before. Only for a request that accept() would do for.
  void pass();
  /// Refuses; the client may try something else, max_auth_tries times in all. As with sshd a refused offer is a try,
  /// and "none" isn't.
  void reject();
  /// Answers an offer: a signature by this key would do.
  void offer_ok();
  /// keyboard-interactive: puts questions to the client. on_info_response() follows.
  void ask(const InfoRequest& request);
  /// password: it is right, but has to be changed first (PASSWD_CHANGEREQ). The request is done, and was no failure.
  void ask_new_password(std::string_view prompt);
  /// The methods that clients are told with each refusal from now on.
  void can_continue(std::vector<std::string> methods);
  /// Shows the user a text (a banner, RFC 4252, 5.4); not after accept().
  void show(std::string_view text);

  /// Sends DISCONNECT and closes; on_failed follows.
  void disconnect(DisconnectReason reason, std::string_view text);

  /// What was negotiated; empty strings before the key exchange.
  ConnectionInfo info() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::ssh
