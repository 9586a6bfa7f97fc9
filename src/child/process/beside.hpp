// A child that shares our memory, for as long as it makes nothing but system calls.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"

// For every function that runs in such a child: a sanitizer's notes would be made in the parent's, on a stack that it
// doesn't know.
#define SALLYPORT_BESIDE __attribute__((no_sanitize("address", "thread", "undefined")))

namespace sallyport::child {

enum class ChildStep : std::uint8_t {
  session,
  terminal,
  stdio,
  limits,
  root,
  user,
  directory,
  privileges,
  run,
  path,
  own,
  connect,
  signal
};

/// What the child says when it can't do what it is for; a pipe that closes without it means that it has.
struct ChildReport {
  ChildStep step;
  int error_number;
};

/// Where children put their report's pipe, above the stdio of a program.
inline constexpr int kReportFd = 3;

struct PipeEnds {
  net::Fd reading;
  net::Fd writing;
};
/// Close-on-exec, and above the numbers that a child's stdio and its report get.
Result<PipeEnds> make_pipe();
/// Moves a descriptor above them, should the daemon run without stdio.
Result<> above_stdio(net::Fd& fd);

/// The child's part. It writes a ChildReport to `report`, or closes it by running a program, or by ending. It may read
/// `plan`, has descriptors, signal handlers and credentials of its own, begins with all signals blocked, and must not
/// return. System calls are all that it may do: memory, and with it the C library's locks and this thread's errno, are
/// the parent's too. Calls that are cancellation points are made by syscall(2).
using BesideMain = void (*)(const void* plan, int report);

/// How long a child may take: to enter a home that a file server is slow to show, and to load a program from it.
inline constexpr Duration kBesideTime = std::chrono::seconds(10);

struct Beside {
  pid_t pid;                          ///< the caller's to reap
  std::optional<ChildReport> report;  ///< absent: it runs its program, or has ended
};

/// Runs `main` in a child, and waits until it has reported, run its program or ended, so that `plan` need not live
/// longer. It costs the same whatever the daemon holds: no page tables are copied. Unlike vfork(2), the caller isn't at
/// the mercy of the child's user, who may stop it, or keep it waiting for a folder that he serves himself: it is killed
/// then (Errc::denied), or when it takes too long (Errc::timeout). Blocks: for the thread pool.
Result<Beside> run_beside(BesideMain main, const void* plan, Duration limit = kBesideTime);

/// What could not be done, in words: "run /bin/sh: …". Errc::denied for ChildStep::own.
Error error_of(const ChildReport& report, const std::string& what);

/// The same for a child that runs no program: waits for its end. Success is that it ended by itself with status 0 and
/// no report; `what` is for the error.
Result<> finish_beside(BesideMain main, const void* plan, const std::string& what, Duration limit = kBesideTime);

void reap(pid_t pid);

// --- what children do -----------------------------------------------------------------------------------------------

// 32-bit machines have older calls with 16-bit ids under the plain names.
#ifdef SYS_setgroups32
inline constexpr long kSetGroups = SYS_setgroups32;
inline constexpr long kSetGid = SYS_setresgid32;
inline constexpr long kSetUid = SYS_setresuid32;
#else
inline constexpr long kSetGroups = SYS_setgroups;
inline constexpr long kSetGid = SYS_setresgid;
inline constexpr long kSetUid = SYS_setresuid;
#endif

/// Whose rights a child takes.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
};

/// Closes all descriptors from `first` on. `highest` is the highest that there can be, for kernels without
/// close_range(2).
SALLYPORT_BESIDE inline void close_from(int first, int highest) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
#endif
  for (int fd = first; fd <= highest; ++fd) static_cast<void>(syscall(SYS_close, fd));
}
/// For close_from(); before the child is made.
int highest_descriptor();

[[noreturn]] SALLYPORT_BESIDE inline void end_beside(int status) {
  for (;;) syscall(SYS_exit_group, status);
}

[[noreturn]] SALLYPORT_BESIDE inline void fail_beside(int report, ChildStep step, int error_number) {
  const ChildReport text{step, error_number};
  static_cast<void>(syscall(SYS_write, report, &text, sizeof text));
  end_beside(127);
}

/// Back to what a program expects. All stay blocked: see let_signals_in().
SALLYPORT_BESIDE inline void reset_handlers() {
  // The kernel's own structure: a handler, flags, a restorer and a mask, all of them zero, in whatever order.
  // Sanitizers keep a record of the C library's call, which here would be the parent's.
  alignas(8) static constexpr unsigned char kDefault[64] = {};
  for (int number = 1; number < NSIG; ++number)  // KILL and STOP say no
    static_cast<void>(syscall(SYS_rt_sigaction, number, kDefault, nullptr, NSIG / 8));
}

SALLYPORT_BESIDE inline void let_signals_in() {
  static constexpr unsigned char kNone[NSIG / 8] = {};
  static_cast<void>(syscall(SYS_rt_sigprocmask, SIG_SETMASK, kNone, nullptr, NSIG / 8));
}

/// Becomes the account for good; reports and ends when it can't. By raw calls: glibc's would change all threads of the
/// process that the memory belongs to. From here on the account's own processes may send signals, which must still be
/// blocked: one that dumps core would be fatal to all who share the memory in kernels before 5.16, were that memory one
/// that may be dumped.
SALLYPORT_BESIDE inline void take_identity(const Identity& who, int report) {
  if (syscall(kSetGroups, who.group_count, who.groups) != 0) fail_beside(report, ChildStep::user, errno);
  if (syscall(kSetGid, who.gid, who.gid, who.gid) != 0) fail_beside(report, ChildStep::user, errno);
  if (syscall(kSetUid, who.uid, who.uid, who.uid) != 0) fail_beside(report, ChildStep::user, errno);
  // While it is the account's, the account must not look into it by ptrace(2) or /proc, since what it sees is ours. The
  // kernel has seen to that with the change, but by fs.suid_dumpable, which an administrator may have set so that core
  // files are written; the daemon wants none.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0)
    fail_beside(report, ChildStep::user, errno);
  for (int i = 0; i < 3; ++i)
    if (uids[i] != who.uid || gids[i] != who.gid) fail_beside(report, ChildStep::user, EPERM);
  // There must be no way back.
  if (who.uid != 0 && syscall(kSetUid, 0, 0, 0) == 0) fail_beside(report, ChildStep::user, EPERM);
}

}  // namespace sallyport::child
