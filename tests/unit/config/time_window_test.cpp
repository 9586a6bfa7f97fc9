#include "match/time_window.hpp"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

struct Row {
  const char* window;
  const char* inside;   // separated by ';'
  const char* outside;  // likewise
};

void expect_all(const TimeWindow& window, std::string_view times, bool inside, const char* text) {
  while (!times.empty()) {
    const std::string_view one = times.substr(0, times.find(';'));
    const auto time = parse_week_time(one);
    ASSERT_TRUE(time) << one;
    EXPECT_EQ(window.contains(*time), inside) << text << " and " << one;
    times.remove_prefix(std::min(times.size(), one.size() + 1));
  }
}

TEST(TimeWindow, HoldsItsHoursOnItsDays) {
  constexpr Row kRows[] = {
      {"Mon-Fri 08:00-18:00", "Mon 08:00;Wed 12:00;Fri 17:59", "Mon 07:59;Fri 18:00;Sat 12:00;Sun 12:00"},
      {"mon-FRI 08:00-18:00", "Mon 08:00", "Sat 08:00"},
      {"Sat,Sun", "Sat 00:00;Sun 23:59", "Fri 23:59;Mon 00:00"},
      {"Mon,Wed-Thu,Sun 00:00-24:00", "Mon 00:00;Wed 23:59;Thu 10:00;Sun 10:00", "Tue 10:00;Fri 10:00;Sat 10:00"},
      {"Fri-Mon", "Fri 00:00;Sat 10:00;Sun 10:00;Mon 23:59", "Tue 00:00;Thu 23:59"},
      {"22:00-06:00", "Mon 22:00;Mon 23:59;Tue 00:00;Tue 05:59", "Mon 21:59;Tue 06:00"},
      {"Fri 22:00-06:00", "Fri 22:00;Sat 05:59", "Fri 05:59;Sat 06:00;Sat 22:00;Sun 00:00"},
      {"Sun 22:00-06:00", "Sun 23:00;Mon 05:59", "Sun 05:00;Mon 22:00"},
      {"Sat 12:00-00:00", "Sat 12:00;Sat 23:59", "Sat 11:59;Sun 00:00"},
      {"09:30-09:31", "Thu 09:30", "Thu 09:29;Thu 09:31"},
  };
  for (const Row& row : kRows) {
    const auto window = parse_time_window(row.window);
    ASSERT_TRUE(window) << row.window;
    expect_all(*window, row.inside, true, row.window);
    expect_all(*window, row.outside, false, row.window);
  }
}

TEST(TimeWindow, RefusesWhatIsNone) {
  for (const char* text : {"",
                           " ",
                           "Mon-",
                           "-Fri",
                           "Monday",
                           "Mon,",
                           ",Mon",
                           "Mon  08:00-09:00",
                           "Mon 08:00",
                           "08:00-",
                           "8:00-9:00",
                           "08:00-24:01",
                           "24:00-08:00",
                           "08:60-09:00",
                           "08:00-08:00",
                           "25:00-26:00",
                           "08.00-09.00",
                           "08:00-09:00 Mon",
                           "Mon 08:00-09:00-10:00",
                           "Mon-Fri-Sun",
                           "08:00-09:0x"})
    EXPECT_FALSE(parse_time_window(text)) << text;
}

TEST(TimeWindow, WritesTimesAsItReadsThem) {
  for (const char* text : {"Mon 00:00", "Wed 09:05", "Sun 23:59"}) EXPECT_EQ(format_week_time(*parse_week_time(text)), text);
  for (const char* text : {"", "Mon", "09:00", "Mon 24:00", "Mon 9:00", "Xyz 09:00"}) EXPECT_FALSE(parse_week_time(text)) << text;
}

TEST(TimeWindow, TheTimeIsThatOfTheMachinesZone) {
  const std::tm thursday = [] {
    std::tm parts{};
    parts.tm_year = 126;  // 1 January 2026
    parts.tm_mday = 1;
    parts.tm_hour = 15;
    parts.tm_min = 4;
    parts.tm_isdst = -1;
    return parts;
  }();
  std::tm copy = thursday;
  const auto time = std::chrono::system_clock::from_time_t(std::mktime(&copy));
  EXPECT_EQ(format_week_time(local_week_time(time)), "Thu 15:04");
  EXPECT_EQ(format_week_time(local_week_time(time + std::chrono::hours(24 * 4))), "Mon 15:04");
}

}  // namespace
}  // namespace sallyport::config
