#include "wire/channel_requests.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

using std::string_view_literals::operator""sv;

Bytes pty(std::string_view modes) {
  return Writer().string("xterm"sv).uint32(80).uint32(24).uint32(0).uint32(0).string(modes).take();
}

struct Row {
  const char* type;
  Bytes rest;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.type; }

const Row kRows[] = {
    {"auth-agent-req@openssh.com", {}},
    {"break", Writer().uint32(500).take()},
    {"env", Writer().string("LANG"sv).string("C"sv).take()},
    {"eow@openssh.com", {}},
    {"exec", Writer().string("ls"sv).take()},
    {"exit-signal", build_exit_signal("KILL", true, "killed")},
    {"exit-status", build_exit_status(3)},
    {"pty-req", pty("\x03\0\0\0\x7f\0"sv)},
    {"shell", {}},
    {"signal", Writer().string("INT"sv).take()},
    {"subsystem", Writer().string("sftp"sv).take()},
    {"window-change", Writer().uint32(1).uint32(2).uint32(3).uint32(4).take()},
    {"x11-req", Writer().boolean(false).string("MIT"sv).string("00"sv).uint32(0).take()},
    {"xon-xoff", Writer().boolean(true).take()},
};

class WellFormedTest : public ::testing::TestWithParam<Row> {};

TEST_P(WellFormedTest, TakesTheWhole) { EXPECT_TRUE(well_formed(GetParam().type, GetParam().rest)); }

TEST_P(WellFormedTest, RefusesACutAtEveryByte) {
  const Bytes& rest = GetParam().rest;
  for (std::size_t size = 0; size < rest.size(); ++size) {
    const Bytes cut(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(well_formed(GetParam().type, cut)) << "of " << size << " bytes";
  }
}

TEST_P(WellFormedTest, RefusesTrailingBytes) {
  Bytes longer = GetParam().rest;
  longer.push_back(0);
  EXPECT_FALSE(well_formed(GetParam().type, longer));
}

INSTANTIATE_TEST_SUITE_P(All, WellFormedTest, ::testing::ValuesIn(kRows), [](const auto& param) {
  std::string name = param.param.type;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

TEST(WellFormed, LeavesUnknownTypesToThoseWhoKnowThem) {
  EXPECT_TRUE(well_formed("winadj@putty.projects.tartarus.org", {}));
  EXPECT_TRUE(well_formed("", bytes_of("anything")));
}

TEST(WellFormed, TerminalModesMayEndWithoutAnOpcodeButNotInsideOne) {
  EXPECT_TRUE(well_formed("pty-req", pty("")));
  EXPECT_TRUE(well_formed("pty-req", pty("\0"sv)));
  EXPECT_TRUE(well_formed("pty-req", pty("\x80\0\0\x96\0"sv)));
  EXPECT_TRUE(well_formed("pty-req", pty("\xa0 what follows has no meaning"sv)));
  EXPECT_FALSE(well_formed("pty-req", pty("\x80\0\0"sv)));
}

TEST(ExitSignal, ComesBackAsItWasBuilt) {
  const Bytes bytes = build_exit_signal("SEGV", true, "why");
  const auto fields = parse_exit_signal(bytes);
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->signal, "SEGV");
  EXPECT_TRUE(fields->core_dumped);
  EXPECT_EQ(fields->message, "why");
}

TEST(ChannelRequests, AZeroInsideATextIsMalformed) {
  const auto one = [](std::string_view text) { return Writer().string(text).take(); };
  for (const char* type : {"exec", "subsystem", "signal"}) {
    EXPECT_FALSE(well_formed(type, one("a\0b"sv))) << type;
    EXPECT_TRUE(well_formed(type, one("ab\0"sv))) << type << ": sshd lets it pass at the end";
  }
  EXPECT_FALSE(well_formed("env", Writer().string("A\0B"sv).string("x"sv).take()));
  EXPECT_FALSE(well_formed("env", Writer().string("A"sv).string("x\0y"sv).take()));
  EXPECT_FALSE(well_formed("pty-req", Writer().string("x\0t"sv).uint32(1).uint32(1).uint32(0).uint32(0).string(""sv).take()));
  EXPECT_FALSE(well_formed("unknown\0type"sv, {}));
}

}  // namespace
}  // namespace sallyport::wire
