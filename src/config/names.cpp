#include "config/names.hpp"

#include <algorithm>

#include "config/match.hpp"

namespace sallyport::config {
namespace {

/// Not isalnum(), which asks the locale.
bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool consists_of(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(), [punctuation](char c) {
    return is_alphanumeric(c) || punctuation.find(c) != std::string_view::npos;
  });
}

bool is_safe_name(std::string_view text, std::size_t limit, std::string_view punctuation) {
  return !text.empty() && text.size() <= limit && text.front() != '-' && text.front() != '.' &&
         text.find("..") == std::string_view::npos && consists_of(text, punctuation);
}

}  // namespace

bool is_safe_user(std::string_view user) { return is_safe_name(user, kMaxUserLength, "._-@+"); }

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
  return {{"user", values.user},         {"target", values.target},         {"login", values.login},
          {"identity", values.identity}, {"principals", values.principals}, {"validity", values.validity},
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
