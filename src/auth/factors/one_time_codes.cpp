#include "auth/factors/one_time_codes.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "auth/factors/secret_file.hpp"

namespace sallyport::auth {
namespace {

/// Longer ago than any step that is looked at: no need to remember it.
constexpr auto kForgetAfter = std::chrono::hours(24);

/// A secret that nobody has, for users without one.
TotpSecret nobodys_secret() {
  TotpSecret secret;
  secret.key = SecretString("nobody has this one");
  return secret;
}

}  // namespace

Result<OneTimeCodes::Used> OneTimeCodes::read_record(const std::string& file) {
  const auto text = read_secret_file(file);
  if (!text && text.error().code == Errc::not_found) return Used{};  // nothing has been used yet
  if (!text) return fail(text.error());
  Used used;
  std::string_view rest = text->view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::size_t space = line.find(' ');
    std::int64_t seconds = 0;
    const char* const end = line.data() + line.size();
    if (space == std::string_view::npos || std::from_chars(line.data() + space + 1, end, seconds).ptr != end) {
      return fail(Errc::unavailable, file + ": a line is not `user seconds`");
    }
    used[std::string(line.substr(0, space))] = TotpStep(std::chrono::seconds(seconds));
  }
  return used;
}

Result<FactorCheck> OneTimeCodes::check(const std::string& totp_file, std::string_view user, const SecretString& code,
                                        std::chrono::system_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto text = read_secret_file(totp_file);
  if (!text) return fail(Errc::unavailable, text.error().detail);
  auto found = find_totp_secret(text->view(), user);
  if (!found) return fail(Errc::unavailable, fmt::format("{}: the line of the user: {}", totp_file, found.error().detail));
  const bool known = found->has_value();
  const TotpSecret secret = known ? std::move(**found) : nobodys_secret();

  const std::string record = record_of(totp_file);
  auto used = read_record(record);
  if (!used) return fail(used.error());
  // Memory holds as well, should somebody have removed the file.
  for (const auto& [name, step] : used_[record]) {
    TotpStep& last = used->try_emplace(name, step).first->second;
    last = std::max(last, step);
  }
  std::erase_if(*used, [now](const auto& entry) { return entry.second < now - kForgetAfter; });

  const auto last = used->find(user);
  const auto step = match_totp(secret, code.view(), now, last == used->end() ? std::nullopt : std::optional(last->second));
  if (!known) return FactorCheck{false, "the user has no secret for one-time codes"};
  if (!step) {
    const bool replayed = match_totp(secret, code.view(), now, std::nullopt).has_value();
    return FactorCheck{false, replayed ? "the one-time code has been used before" : "wrong one-time code"};
  }
  (*used)[std::string(user)] = *step;
  std::string lines;
  for (const auto& [name, time] : *used) lines += fmt::format("{} {}\n", name, time.time_since_epoch().count());
  if (auto written = replace_secret_file(record, lines); !written) return fail(std::move(written.error()));
  used_[record] = std::move(*used);
  return FactorCheck{true, {}};
}

}  // namespace sallyport::auth
