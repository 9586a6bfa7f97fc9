#include "auth/factors/factor_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "auth/factors/one_time_codes.hpp"
#include "auth/factors/secret_file.hpp"
#include "auth/factors/totp.hpp"

namespace sallyport::auth {
namespace {

/// A file that is wrong throughout is told in a few lines too.
constexpr std::size_t kMaxWarnings = 10;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::vector<std::string> check_totp_lines(std::string_view file_text) {
  std::vector<std::string> wrong;
  for (std::size_t number = 1; !file_text.empty() && wrong.size() < kMaxWarnings; ++number) {
    std::string_view line = file_text.substr(0, file_text.find('\n'));
    file_text.remove_prefix(std::min(file_text.size(), line.size() + 1));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    line.remove_prefix(std::min(line.find_first_of(" \t\r"), line.size()));
    const auto secret = parse_totp_secret(line);
    if (!secret) wrong.push_back(fmt::format("line {}: {}", number, secret.error().detail));
  }
  return wrong;
}

std::vector<std::string> check_factor_files(const AuthSettings& settings) {
  std::vector<std::string> warnings;
  if (!settings.password_file.empty()) {
    if (const auto text = read_secret_file(settings.password_file); !text)
      warnings.push_back("password_file " + text.error().detail);
  }
  const std::string& totp = settings.totp_file;
  if (totp.empty()) return warnings;
  if (const auto text = read_secret_file(totp); !text) {
    warnings.push_back("totp_file " + text.error().detail);
  } else {
    for (const std::string& line : check_totp_lines(text->view()))
      warnings.push_back(fmt::format("totp_file {}: {}", totp, line));
  }
  if (::access(folder_of(totp).c_str(), W_OK) != 0) {
    warnings.push_back(fmt::format("totp_file {}: used codes can't be recorded in its folder: {}", totp,
                                   std::generic_category().message(errno)));
  }
  const std::string record = OneTimeCodes::record_of(totp);
  if (const auto text = read_secret_file(record); !text && text.error().code != Errc::not_found)
    warnings.push_back("totp_file " + text.error().detail);
  return warnings;
}

}  // namespace sallyport::auth
