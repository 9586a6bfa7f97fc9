// The user name of a login, as the client typed it: `user` or `user+target`.
#pragma once

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

/// Splits at the first `separator`. Errc::denied unless both parts are safe; what is empty is not. The error's detail
/// does not repeat what the peer sent. What is safe: config/names.hpp.
Result<LoginName> parse_login_name(std::string_view name, std::string_view separator);

}  // namespace sallyport::route
