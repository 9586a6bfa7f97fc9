#include "auth/factors/totp.hpp"

#include <liboath/oath.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

namespace sallyport::auth {
namespace {

constexpr std::size_t kMinKey = 10;  // 80 bits, which is what many have handed out; RFC 4226 wants 128
constexpr std::size_t kMaxKey = 256;
constexpr std::int64_t kMinPeriod = 10;
constexpr std::int64_t kMaxPeriod = 300;
constexpr std::size_t kMaxDigits = 8;

void ensure_liboath() {
  static const int once = ::oath_init();
  static_cast<void>(once);
}

Result<SecretString> decode_base32(std::string_view text) {
  ensure_liboath();
  std::string copy(text);
  char* bytes = nullptr;
  std::size_t size = 0;
  const int rc = ::oath_base32_decode(copy.data(), copy.size(), &bytes, &size);
  wipe(copy);
  if (rc != OATH_OK) return fail(Errc::config, "the secret is not base32");
  SecretString key(std::string_view(bytes, size));
  OPENSSL_cleanse(bytes, size);
  std::free(bytes);  // NOLINT: liboath's own malloc
  if (key.size() < kMinKey || key.size() > kMaxKey) return fail(Errc::config, "the secret is too short or too long");
  return key;
}

std::optional<std::int64_t> number_in(std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

bool read_setting(std::string_view word, TotpSecret& secret) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (name == "digits") {
    const auto digits = number_in(value, 6, kMaxDigits);
    if (digits) secret.digits = static_cast<std::uint32_t>(*digits);
    return digits.has_value();
  }
  if (name == "period") {
    const auto period = number_in(value, kMinPeriod, kMaxPeriod);
    if (period) secret.period = std::chrono::seconds(*period);
    return period.has_value();
  }
  if (name != "algorithm") return false;
  if (value == "sha1") {
    secret.algorithm = TotpAlgorithm::sha1;
  } else if (value == "sha256") {
    secret.algorithm = TotpAlgorithm::sha256;
  } else if (value == "sha512") {
    secret.algorithm = TotpAlgorithm::sha512;
  } else {
    return false;
  }
  return true;
}

std::string_view next_word(std::string_view& text) {
  constexpr std::string_view kSpaces = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kSpaces));
  text.remove_prefix(word.size());
  return word;
}

int flags_of(TotpAlgorithm algorithm) {
  switch (algorithm) {
    case TotpAlgorithm::sha1: return 0;
    case TotpAlgorithm::sha256: return OATH_TOTP_HMAC_SHA256;
    case TotpAlgorithm::sha512: return OATH_TOTP_HMAC_SHA512;
  }
  return 0;
}

bool is_code_of(const TotpSecret& secret, const std::array<char, kMaxDigits>& code, TotpStep step) {
  std::array<char, kMaxDigits + 1> expected{};
  const int rc = ::oath_totp_generate2(secret.key.c_str(), secret.key.size(), step.time_since_epoch().count(),
                                       static_cast<unsigned>(secret.period.count()), 0, secret.digits, flags_of(secret.algorithm),
                                       expected.data());
  const bool same = CRYPTO_memcmp(expected.data(), code.data(), secret.digits) == 0;
  OPENSSL_cleanse(expected.data(), expected.size());
  return rc == OATH_OK && same;
}

}  // namespace

Result<TotpSecret> parse_totp_secret(std::string_view text) {
  const std::string_view base32 = next_word(text);
  if (base32.empty()) return fail(Errc::config, "there is no secret");
  auto key = decode_base32(base32);
  if (!key) return fail(key.error());
  TotpSecret secret;
  secret.key = std::move(*key);
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    if (!read_setting(word, secret)) {
      return fail(Errc::config,
                  "only digits=6 to 8, period=10 to 300 and algorithm=sha1, sha256 or sha512 may follow the secret");
    }
  }
  return secret;
}

Result<std::optional<TotpSecret>> find_totp_secret(std::string_view file_text, std::string_view user) {
  while (!file_text.empty()) {
    std::string_view line = file_text.substr(0, file_text.find('\n'));
    file_text.remove_prefix(std::min(file_text.size(), line.size() + 1));
    const std::string_view name = next_word(line);
    if (name.empty() || name.front() == '#' || name != user) continue;
    auto secret = parse_totp_secret(line);
    if (!secret) return fail(secret.error());
    return std::optional<TotpSecret>(std::move(*secret));
  }
  return std::optional<TotpSecret>();
}

std::optional<TotpStep> match_totp(const TotpSecret& secret, std::string_view code, std::chrono::system_clock::time_point now,
                                   std::optional<TotpStep> used) {
  ensure_liboath();
  std::array<char, kMaxDigits> digits{};
  std::size_t size = 0;
  bool sound = true;
  for (const char c : code) {
    if (c == ' ') continue;
    if (c < '0' || c > '9' || size == secret.digits) {
      sound = false;
      break;
    }
    digits[size++] = c;
  }
  sound = sound && size == secret.digits;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  const TotpStep current{seconds - seconds % secret.period};
  std::optional<TotpStep> found;
  // All three are computed whatever the code is. The oldest first: a later one can still be used afterwards.
  for (const TotpStep step : {current - secret.period, current, current + secret.period}) {
    const bool matches = is_code_of(secret, digits, step);
    if (matches && sound && !found && (!used || step > *used)) found = step;
  }
  OPENSSL_cleanse(digits.data(), digits.size());
  return found;
}

}  // namespace sallyport::auth
