#include "auth/factors/password_file.hpp"

#include <algorithm>
#include <optional>

#include "auth/factors/password_hash.hpp"
#include "auth/factors/secret_file.hpp"

namespace sallyport::auth {
namespace {

/// A hash of libcrypt's usual cost, that nobody has a password for: for files without one hash to take the cost from.
constexpr const char* kNobodysHash = "$y$j9T$3VFd2gakzpRgpMGuN8W..1$Q7kQbYpUPP9YKrLSeyZ/qEXQuaickv7CPvntszAIwu3";

struct Entry {
  std::string_view user;
  std::string_view hash;
};

std::optional<Entry> parse_line(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return std::nullopt;
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(colon + 1);
  return Entry{line.substr(0, colon), rest.substr(0, rest.find(':'))};
}

}  // namespace

FactorCheck check_password(std::string_view file_text, std::string_view user, const SecretString& password) {
  std::optional<std::string> found;
  std::string likeness = kNobodysHash;  // costs as much as the others' do
  bool has_likeness = false;
  while (!file_text.empty()) {
    const std::string_view line = file_text.substr(0, file_text.find('\n'));
    file_text.remove_prefix(std::min(file_text.size(), line.size() + 1));
    const auto entry = parse_line(line);
    if (!entry) continue;
    std::string hash(entry->hash);
    if (!has_likeness && is_strong_hash(hash)) {
      likeness = hash;
      has_likeness = true;
    }
    if (!found && entry->user == user) found = std::move(hash);
  }
  const bool usable = found && is_strong_hash(*found);
  const bool matches = matches_hash(password, usable ? *found : likeness);
  if (!found) return {false, "the user is not in the password file"};
  if (!usable) return {false, "the user's hash is locked, weak or none"};
  if (!matches) return {false, "wrong password"};
  return {true, {}};
}

bool has_password(std::string_view file_text, std::string_view user) {
  while (!file_text.empty()) {
    const std::string_view line = file_text.substr(0, file_text.find('\n'));
    file_text.remove_prefix(std::min(file_text.size(), line.size() + 1));
    const auto entry = parse_line(line);
    if (entry && entry->user == user) return is_strong_hash(std::string(entry->hash));  // the first line of the user counts
  }
  return false;
}

Result<FactorCheck> check_password_in(const std::string& file, std::string_view user, const SecretString& password) {
  const auto text = read_secret_file(file);
  if (!text) return fail(text.error());
  return check_password(text->view(), user, password);
}

}  // namespace sallyport::auth
