#include "child/process/pty.hpp"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "child/process/terminal_modes.hpp"
#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

unsigned short clamp(std::uint32_t value) {
  return static_cast<unsigned short>(std::min<std::uint32_t>(value, std::numeric_limits<unsigned short>::max()));
}

// The group that owns terminals, so that write(1) works; without one the user's own group, and then not for writing.
struct TtyGroup {
  gid_t gid;
  mode_t mode;
};
TtyGroup tty_group(const Account& account) {
  std::array<char, 16384> buffer{};
  group entry{};
  group* found = nullptr;
  if (getgrnam_r("tty", &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return {found->gr_gid, S_IRUSR | S_IWUSR | S_IWGRP};
  }
  return {account.gid, S_IRUSR | S_IWUSR};
}

}  // namespace

Result<Pty> open_pty(const PtyRequest& request, const Account& account) {
  Pty pty;
  pty.master = net::Fd{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!pty.master) return fail(net::from_errno(errno, "open a terminal"));
  const int master = pty.master.get();
  char name[64] = "";
  if (grantpt(master) != 0 || unlockpt(master) != 0) return fail(net::from_errno(errno, "unlock a terminal"));
  if (int rc = ptsname_r(master, name, sizeof name); rc != 0) return fail(net::from_errno(rc, "name a terminal"));
  pty.name = name;
  pty.slave = net::Fd{open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!pty.slave) return fail(net::from_errno(errno, "open " + pty.name));
  const int slave = pty.slave.get();
  if (geteuid() == 0) {
    const TtyGroup group = tty_group(account);
    if (fchown(slave, account.uid, group.gid) != 0) return fail(net::from_errno(errno, "give away " + pty.name));
    if (fchmod(slave, group.mode) != 0) return fail(net::from_errno(errno, "mode of " + pty.name));
  }
  termios terminal{};
  if (tcgetattr(slave, &terminal) != 0) return fail(net::from_errno(errno, "tcgetattr " + pty.name));
  apply_terminal_modes(request.modes, terminal);
  // A combination that the driver doesn't take isn't worth a login.
  static_cast<void>(tcsetattr(slave, TCSANOW, &terminal));
  resize_pty(master, request.dimensions);
  if (fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK) != 0) {
    return fail(net::from_errno(errno, "open a terminal"));
  }
  return pty;
}

void release_pty(const std::string& name) {
  if (geteuid() != 0 || name.empty()) return;
  // Failing is harmless: the name goes away with the last descriptor.
  static_cast<void>(lchown(name.c_str(), 0, 0) == 0 && chmod(name.c_str(), S_IRUSR | S_IWUSR) == 0);
}

void resize_pty(int fd, const WindowDimensions& dimensions) {
  winsize size{};
  size.ws_col = clamp(dimensions.columns);
  size.ws_row = clamp(dimensions.rows);
  size.ws_xpixel = clamp(dimensions.width_pixels);
  size.ws_ypixel = clamp(dimensions.height_pixels);
  static_cast<void>(ioctl(fd, TIOCSWINSZ, &size));  // can't fail for a terminal
}

}  // namespace sallyport::child
