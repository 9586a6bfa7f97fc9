// Which names are safe in paths, log lines and logins elsewhere, and how placeholders are filled with them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>

namespace sallyport::config {

inline constexpr std::size_t kMaxUserLength = 64;
inline constexpr std::size_t kMaxTargetLength = 255;

/// Letters (of any script, in UTF-8), digits and . _ - @ +, and perhaps one backslash between a domain and a name; no more than
/// kMaxUserLength bytes, no ".." anywhere, no "-" or "." in front. No character that is invisible, a space or apt to deceive.
bool is_safe_user(std::string_view user);

/// How the user is called in a path: a backslash, which some file systems take for a slash, becomes "%5C". No two users have the
/// same.
std::string in_path(std::string_view user);

/// Whether a list such as `permit_accounts` has the account: it is met by one of the globs, and the superuser only where "root"
/// is one of them, letter by letter, so that "*" isn't a way to become root.
bool is_permitted_account(const std::vector<std::string>& permitted, std::string_view account, bool superuser);

/// Letters, digits and . _ -, no more than kMaxTargetLength, no ".." anywhere, no "-" or "." in front.
bool is_safe_target(std::string_view target);

/// A host name or a literal address: letters, digits and . _ - : (and a zone behind %), not "-" in front.
bool is_safe_host(std::string_view host);

/// What sshd runs itself in place of a program; as a forced command the subsystem sftp and nothing else.
inline constexpr std::string_view kInternalSftp = "internal-sftp";

/// Whether a command is what sshd takes for internal-sftp, but with arguments. They restrict it (`-R`, `-P`), and nothing here
/// obeys them: such a command can't be kept to.
bool is_sftp_with_arguments(std::string_view command);

/// What may stand between the braces of a template, and what it becomes.
struct Placeholder {
  std::string_view name;
  std::string_view value;
};

/// What a target's proxy_command may hold in its arguments.
std::vector<Placeholder> proxy_placeholders(std::string_view host, std::string_view port, std::string_view user,
                                            std::string_view target);

/// What a target's `signer` may hold in its arguments.
struct SignerValues {
  std::string_view user;        ///< the person
  std::string_view target;      ///< what was asked for
  std::string_view login;       ///< the login name upstream
  std::string_view identity;    ///< for the certificate's key id
  std::string_view principals;  ///< with commas between them
  std::string_view validity;    ///< in seconds
  std::string_view key;         ///< the path of the public key's file
};
std::vector<Placeholder> signer_placeholders(const SignerValues& values);

/// Which words of `credentials` mean what.
struct CredentialName {
  std::string_view text;  ///< with a colon at its end where a path follows
  Credential::Kind kind;
  bool has_path() const { return text.back() == ':'; }
};
inline constexpr std::array<CredentialName, 8> kCredentials{{{"key:", Credential::Kind::key_file},
                                                             {"agent:", Credential::Kind::agent},
                                                             {"forwarded-agent", Credential::Kind::forwarded_agent},
                                                             {"password-file:", Credential::Kind::password_file},
                                                             {"password", Credential::Kind::password},
                                                             {"keyboard-interactive", Credential::Kind::keyboard_interactive},
                                                             {"signer", Credential::Kind::signer},
                                                             {"ca:", Credential::Kind::certificate_authority}}};

/// As `credentials` has it: "key:FILE".
std::string credential_text(const Credential& credential);

/// Fills in a template. Nothing when it has a placeholder that is not listed, or a brace that belongs to none.
std::optional<std::string> expand(std::string_view text, const std::vector<Placeholder>& placeholders);

}  // namespace sallyport::config
