#include "match/names.hpp"

#include <algorithm>

#include "log/escape.hpp"
#include "match/match.hpp"

namespace sallyport::config {
namespace {

/// Not isalnum(), which asks the locale.
bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool consists_of(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(),
                     [punctuation](char c) { return is_alphanumeric(c) || punctuation.find(c) != std::string_view::npos; });
}

/// Beyond ASCII: nothing that is invisible, a space, a mark of direction, private or taken for a slash.
bool is_plain(char32_t code) {
  constexpr std::u32string_view kSpaces = U"\u00a0\u1680\u202f\u205f\u3000";
  constexpr std::u32string_view kLikeSlashes = U"\u2044\u2215\u29f8\u29f9\ufe68\uff0f\uff3c";
  if (code < 0x80) return true;
  const bool space = kSpaces.find(code) != kSpaces.npos || (code >= 0x2000 && code <= 0x200a);
  const bool nobodys = (code >= 0xe000 && code <= 0xf8ff) || code >= 0xf0000 || (code & 0xfffe) == 0xfffe;
  return !space && !nobodys && kLikeSlashes.find(code) == kLikeSlashes.npos && !log::is_deceptive(code);
}

/// With an "x" for each character beyond ASCII. Nothing when one of these isn't plain.
std::optional<std::string> in_ascii(std::string_view text) {
  std::string ascii;
  for (std::size_t at = 0; at < text.size();) {
    const log::Utf8Character character = log::first_character(text.substr(at));
    if (character.length == 0 || !is_plain(character.code)) return std::nullopt;
    ascii += character.length == 1 ? text[at] : 'x';
    at += character.length;
  }
  return ascii;
}

bool is_safe_name(std::string_view text, std::size_t limit, std::string_view punctuation) {
  return !text.empty() && text.size() <= limit && text.front() != '-' && text.front() != '.' &&
         text.find("..") == std::string_view::npos && consists_of(text, punctuation);
}

}  // namespace

bool is_safe_user(std::string_view user) {
  std::optional<std::string> name = in_ascii(user);
  if (!name || user.size() > kMaxUserLength) return false;
  // "CORP\alice", as directory services have it. At the end a backslash would hide what stands behind it from somebody's quoting.
  const std::size_t backslash = name->find('\\');
  if (backslash != std::string::npos) {
    if (backslash == 0 || backslash + 1 == name->size()) return false;
    name->replace(backslash, 1, "x");
  }
  return is_safe_name(*name, kMaxUserLength, "._-@+");
}

std::string in_path(std::string_view user) {
  std::string out;
  for (const char c : user) out += c == '\\' ? std::string("%5C") : std::string(1, c);
  return out;
}

bool is_permitted_account(const std::vector<std::string>& permitted, std::string_view account, bool superuser) {
  if (superuser && std::find(permitted.begin(), permitted.end(), "root") == permitted.end()) return false;
  return std::any_of(permitted.begin(), permitted.end(),
                     [account](const std::string& pattern) { return glob_matches(pattern, account); });
}

bool is_safe_target(std::string_view target) { return is_safe_name(target, kMaxTargetLength, "._-"); }

bool is_safe_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && host.front() != '-' && host.find("..") == std::string_view::npos &&
         consists_of(host, "._-:%");
}

std::vector<Placeholder> proxy_placeholders(std::string_view host, std::string_view port, std::string_view user,
                                            std::string_view target) {
  return {{"host", host}, {"port", port}, {"user", user}, {"target", target}};
}

std::vector<Placeholder> signer_placeholders(const SignerValues& values) {
  return {{"user", values.user},
          {"target", values.target},
          {"login", values.login},
          {"identity", values.identity},
          {"principals", values.principals},
          {"validity", values.validity},
          {"key", values.key}};
}

bool is_sftp_with_arguments(std::string_view command) {
  const std::size_t end = kInternalSftp.size();
  return command.starts_with(kInternalSftp) && command.size() > end && (command[end] == ' ' || command[end] == '\t');
}

std::string credential_text(const Credential& credential) {
  const auto name = std::find_if(kCredentials.begin(), kCredentials.end(),
                                 [&credential](const CredentialName& known) { return known.kind == credential.kind; });
  return std::string(name->text) + credential.value;
}

std::optional<std::string> expand(std::string_view text, const std::vector<Placeholder>& placeholders) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '}') return std::nullopt;
    if (text[i] != '{') {
      out += text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(i + 1, end - i - 1);
    const auto found = std::find_if(placeholders.begin(), placeholders.end(),
                                    [name](const Placeholder& placeholder) { return placeholder.name == name; });
    if (found == placeholders.end()) return std::nullopt;
    out += found->value;
    i = end;
  }
  return out;
}

}  // namespace sallyport::config
