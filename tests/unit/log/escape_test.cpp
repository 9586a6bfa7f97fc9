#include "log/escape.hpp"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::log {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* name;
  std::string given;
  std::string shown;
};

class EscapeTest : public testing::TestWithParam<Case> {};

TEST_P(EscapeTest, ShowsItSafely) { EXPECT_EQ(escape(GetParam().given), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(Table, EscapeTest,
                         testing::Values(Case{"Empty", "", ""}, Case{"Plain", "alice+web1 ~!", "alice+web1 ~!"},
                                         Case{"Unicode", "żółw 漢 🐢", "żółw 漢 🐢"}, Case{"Newline", "a\nb\r\t", "a\\nb\\r\\t"},
                                         Case{"Quotes", "\"'\\", "\\\"\\'\\\\"}, Case{"Terminal", "\x1b[2J\x7f", "\\x1b[2J\\x7f"},
                                         Case{"Nul", "a\0b"s, "a\\x00b"}, Case{"C1", "\xc2\x9b", "\\xc2\\x9b"},
                                         Case{"Override", "a\xe2\x80\xae", "a\\xe2\\x80\\xae"},
                                         Case{"Broken", "\xff\x80z", "\\xff\\x80z"}, Case{"Overlong", "\xc0\xaf", "\\xc0\\xaf"},
                                         Case{"Surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                                         Case{"Beyond", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
                                         Case{"CutShort", "\xe2\x82", "\\xe2\\x82"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(EscapeLimitTest, CutsBetweenCharacters) {
  EXPECT_EQ(escape("abcdef", 6), "abcdef");
  EXPECT_EQ(escape("abcdefg", 6), "abcdef…");
  EXPECT_EQ(escape("abcdeż", 6), "abcde…");
  EXPECT_EQ(escape(std::string(100000, 'x')).size(), kShownBytes + std::string("…").size());
  EXPECT_EQ(escape("ab\x01\x02", 6), "ab\\x01…");  // counted as it is shown
  EXPECT_LE(escape(std::string(100000, '\x01')).size(), kShownBytes + std::string("…").size());
}

TEST(JsonEscapeTest, IsAlwaysValidInsideAString) {
  std::string out;
  append_json_escaped(out, "a\"\\\n\x01\x7f\xffż\0"s);
  EXPECT_EQ(out, "a\\\"\\\\\\n\\u0001\\u007f\xef\xbf\xbdż\\u0000");
}

}  // namespace
}  // namespace sallyport::log
