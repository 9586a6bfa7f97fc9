// A pseudo-terminal for one program.
#pragma once

#include <string>

#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

#include "child/account/account.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::child {

struct Pty {
  net::Fd master;  ///< non-blocking
  net::Fd slave;
  std::string name;  ///< "/dev/pts/3"
};

/// Opens a terminal with the modes and the size that were asked for. Root gives it to the account, with mode 0620 and
/// group tty, as sshd does. For the thread pool.
Result<Pty> open_pty(const PtyRequest& request, const Account& account);

/// Takes the terminal back from its user, who may have left a program behind that has it open. Before the master
/// closes.
void release_pty(const std::string& name);

/// Sends SIGWINCH to the foreground group if the size has changed.
void resize_pty(int fd, const WindowDimensions& dimensions);

}  // namespace sallyport::child
