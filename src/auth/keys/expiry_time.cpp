#include <algorithm>
#include <cstdint>
#include <ctime>

#include "auth/keys/key_options.hpp"

namespace sallyport::auth {

std::optional<WallTime> parse_expiry_time(std::string_view text) {
  const bool utc = !text.empty() && (text.back() == 'Z' || text.back() == 'z');
  if (utc) text.remove_suffix(1);
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto field = [text](std::size_t at, std::size_t length) {
    int value = 0;
    for (const char c : text.substr(std::min(at, text.size()), length)) value = value * 10 + (c - '0');
    return value;
  };
  std::tm parts{};
  parts.tm_year = field(0, 4) - 1900;
  parts.tm_mon = field(4, 2) - 1;
  parts.tm_mday = field(6, 2);
  parts.tm_hour = field(8, 2);
  parts.tm_min = field(10, 2);
  parts.tm_sec = field(12, 2);
  parts.tm_isdst = -1;
  const std::tm asked = parts;
  const std::time_t seconds = utc ? ::timegm(&parts) : ::mktime(&parts);
  // The C library turns 31 February into March: what changes on the way was no date. (A changed hour is the summer's.)
  const bool same = parts.tm_year == asked.tm_year && parts.tm_mon == asked.tm_mon && parts.tm_mday == asked.tm_mday &&
                    asked.tm_hour < 24 && asked.tm_min < 60 && asked.tm_sec < 60;
  if (seconds == static_cast<std::time_t>(-1) || !same) return std::nullopt;
  // The clock ends in 2262; "99991231" means for ever.
  constexpr auto kLast = std::chrono::duration_cast<std::chrono::seconds>(WallTime::max().time_since_epoch()).count();
  constexpr auto kFirst = std::chrono::duration_cast<std::chrono::seconds>(WallTime::min().time_since_epoch()).count();
  return WallTime(std::chrono::seconds(std::clamp<std::int64_t>(seconds, kFirst, kLast)));
}

}  // namespace sallyport::auth
