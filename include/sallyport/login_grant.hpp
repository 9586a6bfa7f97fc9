// What a login may do because of the key or the certificate that it was made with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sallyport {

/// The certificate of a login, for the log and the audit trail. Strings are the certificate's: to be escaped.
struct CertificateIdentity {
  std::string key_id;
  std::uint64_t serial = 0;
  std::string authority;  ///< the fingerprint of the key that signed it, "SHA256:…"
  bool operator==(const CertificateIdentity&) const = default;
};

/// The options of an authorized_keys line (sshd(8), AUTHORIZED_KEYS FILE FORMAT) and of a certificate, of which the narrower
/// one holds. They bind every channel of the connection. The default, which other methods than keys have, restricts nothing.
struct LoginGrant {
  std::string file;      ///< where the key was found; empty: in none
  std::size_t line = 0;  ///< there
  std::string comment;   ///< from the file; to be escaped before it is shown
  std::optional<CertificateIdentity> certificate;
  /// Runs in place of any shell, exec or subsystem; what the client asked for goes to SSH_ORIGINAL_COMMAND.
  std::optional<std::string> command;
  bool pty = true;
  bool agent_forwarding = true;
  bool port_forwarding = true;  ///< in both directions, sockets too
  bool x11_forwarding = true;
  bool user_rc = true;
  /// permitopen: "host:port", "[::1]:80", "*" as the port is any; absent: everything.
  std::optional<std::vector<std::string>> permit_open;
  /// permitlisten: the same for what a target is asked to listen on; "port" alone is any host.
  std::optional<std::vector<std::string>> permit_listen;
  std::map<std::string, std::string> environment;  ///< set for programs on the bastion, and asked for at targets
  bool touch_required = true;                      ///< sk keys: the signature must say that the user was present
  bool verify_required = false;                    ///< sk keys: … and verified (PIN, fingerprint)
  bool operator==(const LoginGrant&) const = default;
};

/// What there is to log about a file or a line that could not be used.
struct KeyWarning {
  std::string file;
  std::size_t line = 0;  ///< 0: the whole file
  std::string reason;
};

/// What the look-up of a key comes to.
struct KeyVerdict {
  std::optional<LoginGrant> grant;  ///< set: the key may log in
  std::string refusal;              ///< otherwise why not, for the log
  bool unavailable = false;         ///< nobody could tell: a file could not be read, a program failed
  std::string fingerprint;          ///< "SHA256:…" of the key, in a certificate of the one that it is for; empty: malformed
  std::optional<CertificateIdentity> certificate;  ///< what the certificate says, be it let in or not
  std::vector<KeyWarning> warnings;
};

}  // namespace sallyport
