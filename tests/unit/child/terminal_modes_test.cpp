#include "child/process/terminal_modes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::child {
namespace {

Bytes mode(std::uint8_t opcode, std::uint32_t value) {
  return {opcode, static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

Bytes all_of(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(TerminalModesTest, AppliesCharactersFlagsAndSpeeds) {
  termios terminal{};
  terminal.c_lflag = ECHO | ICANON;
  apply_terminal_modes(all_of({mode(1, 3),
                               mode(5, 255),
                               mode(18, 15),
                               mode(53, 0),
                               mode(50, 1),
                               mode(42, 1),
                               mode(70, 1),
                               mode(128, 9600),
                               mode(129, 115200),
                               {0}}),
                       terminal);
  EXPECT_EQ(terminal.c_cc[VINTR], 3);
  EXPECT_EQ(terminal.c_cc[VEOF], 0);
  EXPECT_EQ(terminal.c_cc[VDISCARD], 15);
  EXPECT_EQ(terminal.c_lflag, tcflag_t{ICANON | ISIG});
  EXPECT_EQ(terminal.c_iflag, tcflag_t{IUTF8});
  EXPECT_EQ(terminal.c_oflag, tcflag_t{OPOST});
  EXPECT_EQ(cfgetospeed(&terminal), speed_t{B115200});
}

TEST(TerminalModesTest, EightBitsWinWhenBothAreSet) {
  termios terminal{};
  apply_terminal_modes(all_of({mode(90, 1), mode(91, 1), {0}}), terminal);
  EXPECT_EQ(terminal.c_cflag & CSIZE, tcflag_t{CS8});
  apply_terminal_modes(all_of({mode(90, 1), mode(91, 0), {0}}), terminal);
  EXPECT_EQ(terminal.c_cflag & CSIZE, tcflag_t{CS7});
}

TEST(TerminalModesTest, SkipsWhatLinuxDoesNotHave) {
  termios terminal{};
  apply_terminal_modes(all_of({mode(11, 7), mode(15, 7), mode(17, 7), mode(120, 7), mode(129, 31337), mode(50, 1)}), terminal);
  EXPECT_EQ(terminal.c_lflag, tcflag_t{ISIG});
}

TEST(TerminalModesTest, StopsAtTheEndAndAtWhatIsMalformed) {
  const std::vector<Bytes> blobs = {
      all_of({mode(50, 1), {0}, mode(53, 1)}),           // behind the end
      all_of({mode(50, 1), mode(160, 1), mode(53, 1)}),  // behind an undefined opcode
      all_of({mode(50, 1), {53, 0, 0, 1}}),              // cut off
      all_of({mode(50, 1)}),                             // without an end
  };
  for (const auto& blob : blobs) {
    termios terminal{};
    apply_terminal_modes(blob, terminal);
    EXPECT_EQ(terminal.c_lflag, tcflag_t{ISIG});
  }
  termios untouched{};
  apply_terminal_modes({}, untouched);
  EXPECT_EQ(untouched.c_lflag, tcflag_t{0});
}

}  // namespace
}  // namespace sallyport::child
