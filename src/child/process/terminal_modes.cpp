#include "child/process/terminal_modes.hpp"

#include <unistd.h>

#include <cstdint>

namespace sallyport::child {
namespace {

constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kInputSpeed = 128;
constexpr std::uint8_t kOutputSpeed = 129;
constexpr std::uint8_t kFirstUndefined = 160;  // "not yet defined, and cause parsing to stop"
constexpr std::uint32_t kDisabled = 255;       // for a special character

struct Character {
  std::uint8_t opcode;
  std::uint8_t index;
};
constexpr Character kCharacters[] = {
    {1, VINTR},
    {2, VQUIT},
    {3, VERASE},
    {4, VKILL},
    {5, VEOF},
    {6, VEOL},
    {7, VEOL2},
    {8, VSTART},
    {9, VSTOP},
    {10, VSUSP},
    /* no VDSUSP */ {12, VREPRINT},
    {13, VWERASE},
    {14, VLNEXT}, /* no VFLUSH */
    {16, VSWTC},
    /* no VSTATUS */ {18, VDISCARD},
};

struct Flag {
  std::uint8_t opcode;
  tcflag_t termios::*field;
  tcflag_t bit;
};
constexpr Flag kFlags[] = {
    {30, &termios::c_iflag, IGNPAR}, {31, &termios::c_iflag, PARMRK},  {32, &termios::c_iflag, INPCK},
    {33, &termios::c_iflag, ISTRIP}, {34, &termios::c_iflag, INLCR},   {35, &termios::c_iflag, IGNCR},
    {36, &termios::c_iflag, ICRNL},  {37, &termios::c_iflag, IUCLC},   {38, &termios::c_iflag, IXON},
    {39, &termios::c_iflag, IXANY},  {40, &termios::c_iflag, IXOFF},   {41, &termios::c_iflag, IMAXBEL},
    {42, &termios::c_iflag, IUTF8},  // RFC 8160
    {50, &termios::c_lflag, ISIG},   {51, &termios::c_lflag, ICANON},  {52, &termios::c_lflag, XCASE},
    {53, &termios::c_lflag, ECHO},   {54, &termios::c_lflag, ECHOE},   {55, &termios::c_lflag, ECHOK},
    {56, &termios::c_lflag, ECHONL}, {57, &termios::c_lflag, NOFLSH},  {58, &termios::c_lflag, TOSTOP},
    {59, &termios::c_lflag, IEXTEN}, {60, &termios::c_lflag, ECHOCTL}, {61, &termios::c_lflag, ECHOKE},
    {62, &termios::c_lflag, PENDIN}, {70, &termios::c_oflag, OPOST},   {71, &termios::c_oflag, OLCUC},
    {72, &termios::c_oflag, ONLCR},  {73, &termios::c_oflag, OCRNL},   {74, &termios::c_oflag, ONOCR},
    {75, &termios::c_oflag, ONLRET}, {92, &termios::c_cflag, PARENB},  {93, &termios::c_cflag, PARODD},
};
constexpr std::uint8_t kSevenBits = 90;
constexpr std::uint8_t kEightBits = 91;

struct Speed {
  std::uint32_t baud;
  speed_t code;
};
constexpr Speed kSpeeds[] = {
    {0, B0},           {50, B50},         {75, B75},         {110, B110},       {134, B134},       {150, B150},
    {200, B200},       {300, B300},       {600, B600},       {1200, B1200},     {1800, B1800},     {2400, B2400},
    {4800, B4800},     {9600, B9600},     {19200, B19200},   {38400, B38400},   {57600, B57600},   {115200, B115200},
    {230400, B230400}, {460800, B460800}, {500000, B500000}, {576000, B576000}, {921600, B921600}, {1000000, B1000000},
};

void apply(std::uint8_t opcode, std::uint32_t value, termios& terminal) {
  if (opcode == kInputSpeed || opcode == kOutputSpeed) {
    for (const Speed& speed : kSpeeds) {
      // A speed of no name stays as it is; cfset*speed can't fail for one that has a name.
      if (speed.baud != value) continue;
      static_cast<void>(opcode == kInputSpeed ? cfsetispeed(&terminal, speed.code) : cfsetospeed(&terminal, speed.code));
    }
    return;
  }
  if (opcode == kSevenBits || opcode == kEightBits) {
    // Clients send both, and on those whose CS8 contains the bits of CS7 both are set: the later one counts.
    if (value != 0) terminal.c_cflag = (terminal.c_cflag & ~tcflag_t{CSIZE}) | (opcode == kSevenBits ? CS7 : CS8);
    return;
  }
  for (const Character& character : kCharacters) {
    if (character.opcode != opcode) continue;
    terminal.c_cc[character.index] = value == kDisabled ? cc_t{_POSIX_VDISABLE} : static_cast<cc_t>(value);
  }
  for (const Flag& flag : kFlags) {
    if (flag.opcode != opcode) continue;
    tcflag_t& field = terminal.*flag.field;
    field = value != 0 ? field | flag.bit : field & ~flag.bit;
  }
}

}  // namespace

void apply_terminal_modes(ByteView modes, termios& terminal) {
  while (modes.size() >= 5) {
    const std::uint8_t opcode = modes[0];
    if (opcode == kEnd || opcode >= kFirstUndefined) return;
    const std::uint32_t value =
        std::uint32_t{modes[1]} << 24 | std::uint32_t{modes[2]} << 16 | std::uint32_t{modes[3]} << 8 | std::uint32_t{modes[4]};
    apply(opcode, value, terminal);
    modes = modes.subspan(5);
  }
}

}  // namespace sallyport::child
