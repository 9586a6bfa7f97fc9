// Files of one-time code secrets: nothing may crash, and only a user with a line of its own has a secret. (A password
// file's lines are as simple, but each look costs a hash.)
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/factors/totp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto secret = auth::find_totp_secret(text, "alice");
  if (!secret || !*secret) return 0;
  if (text.find("alice") == std::string_view::npos) std::abort();
  const auth::TotpSecret& found = **secret;
  if (found.digits < 6 || found.digits > 8 || found.period.count() < 10 || found.period.count() > 300) std::abort();
  if (found.key.size() > text.size()) std::abort();
  const auto now = std::chrono::system_clock::time_point(std::chrono::hours(500000));
  const auto step = auth::match_totp(found, text.substr(0, 10), now, std::nullopt);
  if (step && auth::match_totp(found, text.substr(0, 10), now, auth::TotpStep(std::chrono::hours(500001)))) std::abort();
  return 0;
}
