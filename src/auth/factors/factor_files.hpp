// What there is to say beforehand about the files of passwords and one-time codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>

namespace sallyport::auth {

/// Lines of a TOTP file that make no sense, as "line 3: …"; never with a secret.
std::vector<std::string> check_totp_lines(std::string_view file_text);

/// What will keep users out: files that can't be read or trusted, lines that make no sense, a folder in which used codes
/// can't be recorded. For the administrator's log. Reads files.
std::vector<std::string> check_factor_files(const AuthSettings& settings);

}  // namespace sallyport::auth
