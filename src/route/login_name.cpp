#include "route/login_name.hpp"

#include "config/names.hpp"

namespace sallyport::route {

Result<LoginName> parse_login_name(std::string_view name, std::string_view separator) {
  LoginName login;
  const std::size_t split = separator.empty() ? std::string_view::npos : name.find(separator);
  const std::string_view user = name.substr(0, split);
  if (!config::is_safe_user(user)) return fail(Errc::denied, "the user name is empty, too long or has characters that are not allowed");
  login.user = std::string(user);
  if (split != std::string_view::npos) {
    const std::string_view target = name.substr(split + separator.size());
    if (!config::is_safe_target(target)) return fail(Errc::denied, "the target's name is empty, too long or has characters that are not allowed");
    login.target = std::string(target);
  }
  return login;
}

}  // namespace sallyport::route
