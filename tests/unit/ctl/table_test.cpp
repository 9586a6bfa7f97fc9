#include "ctl/table.hpp"

#include <gtest/gtest.h>

namespace sallyport::ctl {
namespace {

TEST(TableTest, AlignsColumns) {
  EXPECT_EQ(table({{"ID"}, {"IN", true}, {"USER"}}, {{"c1", "5", "bob"}, {"c100", "1.2K", ""}}),
            "ID      IN  USER\n"
            "c1       5  bob\n"
            "c100  1.2K  -\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  EXPECT_EQ(table({{"A"}, {"B"}}, {{"żółw", "x"}, {"abcd", "y"}}), "A     B\nżółw  x\nabcd  y\n");
}

TEST(TableTest, HasTitlesWithoutRows) { EXPECT_EQ(table({{"ID"}, {"IN", true}}, {}), "ID  IN\n"); }

TEST(PrintableTest, KeepsQuotesAndStopsControls) {
  EXPECT_EQ(printable("say \"it's\"\n\x1b[2J\\"), "say \"it's\"\\n\\x1b[2J\\\\");
  EXPECT_EQ(printable_lines("one\n\ttwo\n"), "one\n\\ttwo\n");
  EXPECT_EQ(printable(""), "");
}

TEST(ShortDurationTest, HasTwoUnits) {
  EXPECT_EQ(short_duration(0), "0s");
  EXPECT_EQ(short_duration(59), "59s");
  EXPECT_EQ(short_duration(60), "1m00s");
  EXPECT_EQ(short_duration(3599), "59m59s");
  EXPECT_EQ(short_duration(3600), "1h00m");
  EXPECT_EQ(short_duration(86400 * 9 + 4 * 3600), "9d04h");
}

TEST(ShortBytesTest, IsShort) {
  EXPECT_EQ(short_bytes(0), "0");
  EXPECT_EQ(short_bytes(1023), "1023");
  EXPECT_EQ(short_bytes(1024), "1.0K");
  EXPECT_EQ(short_bytes(10240), "10K");
  EXPECT_EQ(short_bytes(1024 * 1024 - 1), "1.0M");
  EXPECT_EQ(short_bytes(~0ULL), "16E");
}

}  // namespace
}  // namespace sallyport::ctl
