// Time-based one-time codes (RFC 6238): the arithmetic and the file of secrets. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::auth {

enum class TotpAlgorithm : std::uint8_t { sha1, sha256, sha512 };

/// What a user's device and we share.
struct TotpSecret {
  SecretString key;  ///< the bytes behind the base32
  std::uint32_t digits = 6;
  std::chrono::seconds period{30};
  TotpAlgorithm algorithm = TotpAlgorithm::sha1;
};

/// When the step of a code begins, in seconds since 1970. Unlike its number it stays comparable when the period changes.
using TotpStep = std::chrono::sys_seconds;

/// One line of a TOTP file behind the user's name: `base32-secret [digits=6|7|8] [period=SECONDS]
/// [algorithm=sha1|sha256|sha512]`. Errc::config with what is wrong; never with the secret.
Result<TotpSecret> parse_totp_secret(std::string_view text);

/// The secret of a user, by the text of a TOTP file: lines of `user secret…`, comments with `#`. Empty when the user has
/// none; Errc::config when the user's line makes no sense.
Result<std::optional<TotpSecret>> find_totp_secret(std::string_view file_text, std::string_view user);

/// The step that the code belongs to, among that of `now`, the one before and the one after; empty when it is none of
/// their codes. Steps up to `used` are left out: their codes have been used or passed over. Spaces in the code don't count.
std::optional<TotpStep> match_totp(const TotpSecret& secret, std::string_view code, std::chrono::system_clock::time_point now,
                                   std::optional<TotpStep> used);

}  // namespace sallyport::auth
