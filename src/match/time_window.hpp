// What a route's `valid` is a list of: hours of the week, in local time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::config {

/// A minute of the week.
struct WeekTime {
  unsigned day = 0;     ///< 0 is Monday, 6 Sunday
  unsigned minute = 0;  ///< of the day
  bool operator==(const WeekTime&) const = default;
};

/// "Mon 09:30"; upper and lower case are the same.
std::optional<WeekTime> parse_week_time(std::string_view text);
std::string format_week_time(const WeekTime& time);

/// What the clocks on the wall show, by the time zone of the machine.
WeekTime local_week_time(std::chrono::system_clock::time_point time);

/// The same hours on some days. `DAYS FROM-TO`: DAYS are three-letter names and ranges of them, joined by commas
/// ("Mon-Fri", "Sat,Sun", "Fri-Mon"), FROM and TO are hours and minutes. Without DAYS it is every day, without FROM-TO
/// the whole day. TO doesn't belong to it. When TO comes before FROM, it is on the day after: "Fri 22:00-06:00" ends on
/// Saturday.
struct TimeWindow {
  std::uint8_t days = 0;  ///< those on which it begins: bit 0 is Monday
  unsigned from = 0;      ///< minute of the day
  unsigned to = 0;        ///< minute of the day, up to 24 * 60
  bool contains(const WeekTime& time) const;
  bool operator==(const TimeWindow&) const = default;
};

inline constexpr std::string_view kTimeWindowExpected =
    "days and hours such as \"Mon-Fri 08:00-18:00\", \"Sat,Sun\" or \"22:00-06:00\"";

/// Nothing when it is none, or lasts no time at all.
std::optional<TimeWindow> parse_time_window(std::string_view text);

}  // namespace sallyport::config
