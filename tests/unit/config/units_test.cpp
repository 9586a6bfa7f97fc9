#include "match/units.hpp"

#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Durations, AreReadWithTheirUnits) {
  EXPECT_EQ(parse_duration("250ms"), Duration(250));
  EXPECT_EQ(parse_duration("30s"), Duration(seconds(30)));
  EXPECT_EQ(parse_duration("10m"), Duration(minutes(10)));
  EXPECT_EQ(parse_duration("12h"), Duration(hours(12)));
  EXPECT_EQ(parse_duration("1d"), Duration(hours(24)));
  EXPECT_EQ(parse_duration("1h30m"), Duration(minutes(90)));
  EXPECT_EQ(parse_duration("0s"), Duration(0));
}

TEST(Durations, AreRefusedWithoutAUnitOrOutOfOrderOrTooLong) {
  for (const char* text :
       {"", "30", "s", "-1s", "1.5s", "30 s", "30S", "1m1h", "1s1s", "99999999999999999999s", "9999999d", "1s "}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Durations, AreWrittenInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(seconds(90)), "90s");
  EXPECT_EQ(format_duration(hours(48)), "2d");
  EXPECT_EQ(format_duration(Duration(0)), "0s");
  for (const Duration value : {Duration(1), Duration(1500), Duration(minutes(61)), kMaxDuration}) {
    EXPECT_EQ(parse_duration(format_duration(value)), value);
  }
}

TEST(Sizes, AreReadAndWritten) {
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("2MiB"), 2097152U);
  EXPECT_EQ(parse_size("512"), 512U);
  for (const char* text : {"", "KiB", "1KB", "-1", "1 KiB", "9999999999GiB"}) EXPECT_EQ(parse_size(text), std::nullopt) << text;
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(65537), "65537");
}

TEST(HostPorts, KnowBracketsAndBareAddresses) {
  const auto check = [](const char* text, const char* host, std::optional<std::uint16_t> port) {
    const auto parsed = parse_host_port(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
  };
  check("web1", "web1", std::nullopt);
  check("web1:22", "web1", 22);
  check("[::1]:22", "::1", 22);
  check("::1", "::1", std::nullopt);
  check("[::1]", "::1", std::nullopt);
  for (const char* text : {"web1:", "web1:x", "web1:70000", "[::1", "[::1]x"}) EXPECT_FALSE(parse_host_port(text)) << text;
}

TEST(Startups, HaveThreeNumbersInOrder) {
  EXPECT_EQ(parse_max_startups("50:30:200"), (MaxStartups{50, 30, 200}));
  for (const char* text : {"50", "50:30", "200:30:50", "50:0:200", "50:101:200", "0:30:200", "50:30:200:1", "a:b:c"}) {
    EXPECT_EQ(parse_max_startups(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sallyport::config
