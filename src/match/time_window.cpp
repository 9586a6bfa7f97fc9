#include "match/time_window.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace sallyport::config {
namespace {

constexpr unsigned kDays = 7;
constexpr unsigned kHoursOfDay = 24;
constexpr unsigned kMinutesOfHour = 60;
constexpr unsigned kMinutesOfDay = kHoursOfDay * kMinutesOfHour;
constexpr std::array<std::string_view, kDays> kNames{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::uint8_t bit(unsigned day) { return static_cast<std::uint8_t>(1U << day); }

std::optional<unsigned> parse_day(std::string_view text) {
  const auto same = [text](std::string_view name) {
    return std::equal(name.begin(), name.end(), text.begin(), text.end(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b); });
  };
  const auto found = std::find_if(kNames.begin(), kNames.end(), same);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<unsigned>(found - kNames.begin());
}

/// "Mon-Fri,Sun" as bits.
std::optional<std::uint8_t> parse_days(std::string_view text) {
  std::uint8_t days = 0;
  for (;;) {
    const std::string_view item = text.substr(0, text.find(','));
    const std::size_t dash = item.find('-');
    const auto first = parse_day(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_day(item.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    for (unsigned day = *first;; day = (day + 1) % kDays) {
      days = static_cast<std::uint8_t>(days | bit(day));
      if (day == *last) break;
    }
    if (item.size() == text.size()) return days;
    text.remove_prefix(item.size() + 1);
  }
}

/// "08:30" as minutes, "24:00" being the last.
std::optional<unsigned> parse_hour(std::string_view text) {
  const auto digit = [text](std::size_t at) { return static_cast<unsigned>(text[at] - '0'); };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t at : {0U, 1U, 3U, 4U})
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
  const unsigned minute = digit(3) * 10 + digit(4);
  const unsigned time = (digit(0) * 10 + digit(1)) * kMinutesOfHour + minute;
  if (minute >= kMinutesOfHour || time > kMinutesOfDay) return std::nullopt;
  return time;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<WeekTime> parse_week_time(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto day = parse_day(text.substr(0, space));
  const auto minute = parse_hour(text.substr(space + 1));
  if (!day || !minute || *minute == kMinutesOfDay) return std::nullopt;
  return WeekTime{*day, *minute};
}

std::string format_week_time(const WeekTime& time) {
  std::string name(kNames.at(time.day));
  name.front() = static_cast<char>(name.front() - 'a' + 'A');
  return fmt::format("{} {:02}:{:02}", name, time.minute / kMinutesOfHour, time.minute % kMinutesOfHour);
}

WeekTime local_week_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  const auto days_since_sunday = static_cast<unsigned>(parts.tm_wday);
  return {(days_since_sunday + kDays - 1) % kDays,
          static_cast<unsigned>(parts.tm_hour) * kMinutesOfHour + static_cast<unsigned>(parts.tm_min)};
}

bool TimeWindow::contains(const WeekTime& time) const {
  const bool begins_today = (days & bit(time.day)) != 0;
  if (from < to) return begins_today && time.minute >= from && time.minute < to;
  const bool began_yesterday = (days & bit((time.day + kDays - 1) % kDays)) != 0;
  return (begins_today && time.minute >= from) || (began_yesterday && time.minute < to);
}

std::optional<TimeWindow> parse_time_window(std::string_view text) {
  TimeWindow window{static_cast<std::uint8_t>((1U << kDays) - 1), 0, kMinutesOfDay};
  if (text.empty()) return std::nullopt;
  if (!is_digit(text.front())) {
    const std::size_t space = text.find(' ');
    const auto days = parse_days(text.substr(0, space));
    if (!days) return std::nullopt;
    window.days = *days;
    if (space == std::string_view::npos) return window;
    text.remove_prefix(space + 1);
  }
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = parse_hour(text.substr(0, dash));
  const auto to = parse_hour(text.substr(dash + 1));
  if (!from || !to || *from == kMinutesOfDay || *from == *to) return std::nullopt;
  window.from = *from;
  window.to = *to;
  return window;
}

}  // namespace sallyport::config
