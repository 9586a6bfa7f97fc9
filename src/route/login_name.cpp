#include "route/login_name.hpp"

#include <algorithm>
#include <array>

#include "match/names.hpp"

namespace sallyport::route {
namespace {

/// Of editors and of who edits; patch and git; dpkg and ucf, rpm, pacman, apk; cfengine and Puppet.
constexpr std::array<std::string_view, 45> kLeftBehind{
    "bak",     "backup", "bck",        "old",      "new",      "orig",     "original", "save",    "saved",
    "sav",     "copy",   "tmp",        "temp",     "swp",      "swo",      "swn",      "swx",     "part",
    "rej",     "lock",   "lck",        "off",      "disabled", "inactive", "removed",  "deleted", "revoked",
    "locked",  "unused", "rpmsave",    "rpmnew",   "rpmorig",  "rpmmoved", "pacsave",  "pacnew",  "pacorig",
    "cfsaved", "cfnew",  "cfdisabled", "cfedited", "dist",     "default",  "example",  "sample",  "pub"};
constexpr std::array<std::string_view, 5> kLeftBehindBy{"dpkg-", "ucf-", "apk-", "cf-", "puppet-"};

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_left_behind(const Config& config, std::string_view user) {
  const std::string name = lower_case(user);
  std::string_view rest = name;
  rest = rest.substr(0, rest.find_last_not_of("0123456789.-_") + 1);  // ".bak2", ".save.1", ".old-2026-01-31"
  const std::size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view extension = rest.substr(dot + 1);
  const bool left = std::find(kLeftBehind.begin(), kLeftBehind.end(), extension) != kLeftBehind.end() ||
                    std::any_of(kLeftBehindBy.begin(), kLeftBehindBy.end(),
                                [extension](std::string_view by) { return extension.starts_with(by); });
  if (!left) return false;
  return std::none_of(config.groups.begin(), config.groups.end(),
                      [user](const auto& group) { return has(group.second, user); }) &&
         std::none_of(config.routes.begin(), config.routes.end(),
                      [user](const Route& route) { return route.users && has(*route.users, user); });
}

Result<LoginName> parse_login_name(std::string_view name, std::string_view separator) {
  LoginName login;
  const std::size_t split = separator.empty() ? std::string_view::npos : name.find(separator);
  const std::string_view user = name.substr(0, split);
  if (!config::is_safe_user(user))
    return fail(Errc::denied, "the user name is empty, too long or has characters that are not allowed");
  login.user = std::string(user);
  if (split != std::string_view::npos) {
    const std::string_view target = name.substr(split + separator.size());
    if (!config::is_safe_target(target))
      return fail(Errc::denied, "the target's name is empty, too long or has characters that are not allowed");
    login.target = std::string(target);
  }
  return login;
}

}  // namespace sallyport::route
