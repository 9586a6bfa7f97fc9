// The user name of a login, as the client typed it: `user` or `user+target`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

namespace sallyport::route {

struct LoginName {
  std::string user;
  std::optional<std::string> target;
  bool operator==(const LoginName&) const = default;
};

/// Splits at the first `separator`. Errc::denied unless both parts are safe; what is empty is not. The error's detail
/// does not repeat what the peer sent. What is safe: match/names.hpp.
Result<LoginName> parse_login_name(std::string_view name, std::string_view separator);

/// Whether a user's name is that of a file which an editor, a package manager or a hasty administrator has left beside
/// the user's: `alice.bak`, `alice.dpkg-old`, `alice.disabled.1`, `alice.pub`. Where files are named by the user
/// ("authorized_keys/{user}") its keys would still let in. Not a name that a group or a route of the configuration has
/// in so many words: then it is somebody's.
bool is_left_behind(const Config& config, std::string_view user);

}  // namespace sallyport::route
