// The port between those who say who may log in (entry) and the server's side of user authentication (ssh, or a test's script).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/connection_info.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/transport.hpp>

namespace sallyport {

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
  /// Absent: the key can't be used, or its signature is wrong, or costly (ssh/downstream/signature_cost) with no
  /// offer_ok() for the key before it; which proves nothing and can only be rejected.
  std::optional<PublicKey> key;
  bool is_offer = false;                         ///< Method::publickey without a signature, whether the key can be used or not
  std::shared_ptr<const SecretString> password;  ///< set with Method::password
  std::shared_ptr<const SecretString> new_password;  ///< set when the client wants to change it (RFC 4252, section 8)
};

/// What keyboard-interactive asks in one round (RFC 4256, section 3.2). Texts are UTF-8.
struct InfoRequest {
  struct Prompt {
    std::string text;
    bool echo = false;
  };
  std::string name;
  std::string instruction;
  std::vector<Prompt> prompts;  ///< none: only the instruction is shown
};

/// Who decides about a client. Every call comes from the loop, never inside a call of UserauthServer's.
class UserauthEvents {
 public:
  virtual ~UserauthEvents() = default;
  /// To be answered by one of accept(), pass(), reject(), offer_ok(), ask() and ask_new_password(), now or later; the
  /// next request comes after the answer. A request that comes after ask() means that the client has given up the one
  /// that the questions were about: that counts as a try, and wants no answer any more. A first request "none", by which a
  /// client asks what there is, is answered without asking here. All requests have the same login name: who changes it loses the
  /// connection.
  virtual void on_userauth(const UserauthRequest& request) = 0;
  /// The answers to ask()'s prompts; when they aren't as many, the request has to be rejected (RFC 4256, 3.4). Likewise to
  /// be answered, but not by offer_ok() or ask_new_password().
  virtual void on_info_response(std::vector<SecretString> answers) = 0;
  /// After accept(): the connection protocol begins. `transport` must be attached inside this call or before the next
  /// turn of the loop. The UserauthServer has nothing more to do; destroy it when you like, here too.
  virtual void on_logged_in(std::unique_ptr<Transport> transport) = 0;
  /// The end without a login, once; nothing comes after it. Errc::timeout after the grace time, Errc::denied after too
  /// many tries, Errc::unavailable without an algorithm in common or the strict exchange that is required, Errc::closed when the
  /// client went, Errc::protocol, Errc::io. The UserauthServer may be destroyed here.
  virtual void on_failed(const Error& why) = 0;
};

/// One client's connection until it is logged in. Destroying it closes it. None of these calls anything back.
class UserauthServer {
 public:
  virtual ~UserauthServer() = default;

  /// Lets the client in. Only for a request that is_signed, a password or keyboard-interactive: an offer is no login,
  /// and neither are "none" and methods that we don't have; accepting one rejects it.
  virtual void accept() = 0;
  /// The method has been passed, and another is still needed (RFC 4252, 5.1: partial success). Name it by can_continue()
  /// before. Only for a request that accept() would do for.
  virtual void pass() = 0;
  /// Refuses; the client may try something else, max_auth_tries times in all. As with sshd a refused offer is a try,
  /// and "none" isn't.
  virtual void reject() = 0;
  /// Answers an offer: a signature by this key would do.
  virtual void offer_ok() = 0;
  /// keyboard-interactive: puts questions to the client. on_info_response() follows.
  virtual void ask(const InfoRequest& request) = 0;
  /// password: it is right, but has to be changed first (PASSWD_CHANGEREQ). The request is done, and was no failure.
  virtual void ask_new_password(std::string_view prompt) = 0;
  /// The methods that clients are told with each refusal from now on.
  virtual void can_continue(std::vector<std::string> methods) = 0;
  /// Shows the user a text (a banner, RFC 4252, 5.4); not after accept().
  virtual void show(std::string_view text) = 0;

  /// Sends DISCONNECT and closes; on_failed follows.
  virtual void disconnect(DisconnectReason reason, std::string_view text) = 0;

  /// What was negotiated, once the client is logged in; empty strings until it is known.
  virtual ConnectionInfo info() const = 0;
};

}  // namespace sallyport
