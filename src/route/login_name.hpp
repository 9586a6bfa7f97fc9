// The user name of a login, as the client typed it: `user` or `user+target`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::route {

struct LoginName {
  std::string user;
  std::optional<std::string> target;
  bool operator==(const LoginName&) const = default;
};

inline constexpr std::size_t kMaxUserLength = 64;
inline constexpr std::size_t kMaxTargetLength = 255;

/// Whether `user` may be part of a path, a log line and a login elsewhere: letters, digits and . _ - @ +, no more than
/// kMaxUserLength of them, without ".." and without a "-" or "." in front.
bool is_safe_user(std::string_view user);

/// The same for a target's name: letters, digits and . _ -
bool is_safe_target(std::string_view target);

/// Splits at the first `separator`. Errc::denied unless both parts are safe; what is empty is not. The error's detail
/// does not repeat what the peer sent.
Result<LoginName> parse_login_name(std::string_view name, std::string_view separator);

}  // namespace sallyport::route
