// What a login may do because of the key or the certificate that it was made with.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sallyport {

/// Whom a certificate speaks of, and whose word that is. A renewed one says the same. Strings are the certificate's: to be
/// escaped.
struct Certified {
  std::string key_id;
  std::string authority;  ///< the fingerprint of the key that signed it, "SHA256:…"
  auto operator<=>(const Certified&) const = default;
};

/// The certificate of a login, for the log and the audit trail.
struct CertificateIdentity : Certified {
  std::uint64_t serial = 0;
  bool operator==(const CertificateIdentity&) const = default;
};

/// Where the key was found. It says nothing about what the login may do.
struct GrantSource {
  std::string file;      ///< empty: in none
  std::size_t line = 0;  ///< there
  std::string comment;   ///< from the file; to be escaped before it is shown
  bool operator==(const GrantSource&) const = default;
};

/// The options of an authorized_keys line (sshd(8), AUTHORIZED_KEYS FILE FORMAT) and of a certificate, of which the narrower
/// one holds. They bind every channel of the connection, and logins share trunks only where all of them are equal. The default,
/// which other methods than keys have, restricts nothing.
struct Restrictions {
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
  auto operator<=>(const Restrictions&) const = default;
};

/// What lets a login in.
struct LoginGrant : GrantSource, Restrictions {
  std::optional<CertificateIdentity> certificate;
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
