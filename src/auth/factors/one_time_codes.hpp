// Checks one-time codes, each of which lets in once.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

#include "auth/factors/password_file.hpp"
#include "auth/factors/totp.hpp"

namespace sallyport::auth {

/// Remembers the last code of each user, in memory and in a file beside the secrets (their name with ".used"), so that a
/// code can't be used a second time, after a restart neither. One for the whole daemon; any thread may call it.
class OneTimeCodes {
 public:
  /// What a TOTP file's record of used codes is called.
  static std::string record_of(const std::string& totp_file) { return totp_file + ".used"; }

  /// Checks a code against the user's secret in `totp_file`, and uses it up. For a user without a secret as much is
  /// computed as for others. Blocks (it waits for the disk): for a thread pool. Errc::unavailable when the files can't be
  /// read or trusted, or what was used can't be recorded: nobody gets in by code then.
  Result<FactorCheck> check(const std::string& totp_file, std::string_view user, const SecretString& code,
                            std::chrono::system_clock::time_point now);

 private:
  using Used = std::map<std::string, TotpStep, std::less<>>;
  static Result<Used> read_record(const std::string& file);

  std::mutex mutex_;
  std::map<std::string, Used> used_;  // by record
};

}  // namespace sallyport::auth
