#include "log/line_format.hpp"

#include <gtest/gtest.h>

#include "log/time_text.hpp"

namespace sallyport::log {
namespace {

constexpr auto kTime = std::chrono::sys_days{std::chrono::year{2026} / 2 / 3} + std::chrono::hours(4) + std::chrono::minutes(5) +
                       std::chrono::milliseconds(6007);

std::string line(LogFormat format, Level level, std::string_view message) {
  std::string out;
  append_line(out, format, kTime, level, message);
  return out;
}

TEST(TimeTextTest, IsRfc3339InUtc) { EXPECT_EQ(time_text(kTime), "2026-02-03T04:05:06.007Z"); }

TEST(LineFormatTest, TextHasTimeLevelMessage) {
  EXPECT_EQ(line(LogFormat::text, Level::info, "conn=c1 accepted"), "2026-02-03T04:05:06.007Z info  conn=c1 accepted\n");
  EXPECT_EQ(line(LogFormat::text, Level::error, "x"), "2026-02-03T04:05:06.007Z error x\n");
}

TEST(LineFormatTest, TextStaysOneLine) {
  EXPECT_EQ(line(LogFormat::text, Level::warn, "a\nb\x1b[m"), "2026-02-03T04:05:06.007Z warn  a?b?[m\n");
}

TEST(LineFormatTest, JsonLiftsTheIdsOut) {
  EXPECT_EQ(line(LogFormat::json, Level::info, "conn=c1 chan=h2 opened type=\"session\""),
            R"({"time":"2026-02-03T04:05:06.007Z","level":"info","conn":"c1","chan":"h2",)"
            R"("message":"opened type=\"session\""})"
            "\n");
}

TEST(LineFormatTest, JsonLeavesOtherWordsInTheMessage) {
  EXPECT_EQ(line(LogFormat::json, Level::info, "level=evil conn=c1 x"),
            R"({"time":"2026-02-03T04:05:06.007Z","level":"info","message":"level=evil conn=c1 x"})"
            "\n");
  EXPECT_EQ(line(LogFormat::json, Level::info, "conn=\"c1 x"),
            R"({"time":"2026-02-03T04:05:06.007Z","level":"info","message":"conn=\"c1 x"})"
            "\n");
}

}  // namespace
}  // namespace sallyport::log
