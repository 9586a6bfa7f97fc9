// What a child does between fork and exec: system calls only, no memory, no locks. Included by spawn.cpp alone.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "child/local_login.hpp"

namespace sallyport::child {

enum class ChildStep : std::uint8_t { session, terminal, stdio, limits, root, user, directory, privileges, run };

/// What the child says when it can't run the program; a pipe that closes without it means that the program runs.
struct ChildReport {
  ChildStep step;
  int error_number;
};

/// Where the report's pipe is in the child.
constexpr int kReportFd = 3;

/// Everything that the child needs, prepared before the fork.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* home = nullptr;
  const char* no_home = nullptr;  ///< begin of the message when `home` can't be entered
  bool terminal = false;
  int input = -1;
  int output = -1;
  int error = -1;
  int report = -1;
  int highest_fd = 0;
  rlimit descriptors{};
  bool change_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
  const ResourceLimit* limits = nullptr;
  std::size_t limit_count = 0;
  const char* root = nullptr;  ///< to change the root folder to; null: stay
  mode_t mask = 022;
  bool no_new_privs = false;
};

// 32-bit machines have older calls with 16-bit ids under the plain names.
#ifdef SYS_setgroups32
constexpr long kSetGroups = SYS_setgroups32;
constexpr long kSetGid = SYS_setresgid32;
constexpr long kSetUid = SYS_setresuid32;
#else
constexpr long kSetGroups = SYS_setgroups;
constexpr long kSetGid = SYS_setresgid;
constexpr long kSetUid = SYS_setresuid;
#endif

[[noreturn]] inline void child_failed(ChildStep step, int error_number) {
  const ChildReport report{step, error_number};
  static_cast<void>(!write(kReportFd, &report, sizeof report));
  _exit(127);
}

// The raw calls: glibc's would try to change all threads of a process that has but this one, taking locks to do so.
inline void change_user(const ChildPlan& plan) {
  if (syscall(kSetGroups, plan.group_count, plan.groups) != 0) child_failed(ChildStep::user, errno);
  if (syscall(kSetGid, plan.gid, plan.gid, plan.gid) != 0) child_failed(ChildStep::user, errno);
  if (syscall(kSetUid, plan.uid, plan.uid, plan.uid) != 0) child_failed(ChildStep::user, errno);
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
    child_failed(ChildStep::user, errno);
  }
  for (int i = 0; i < 3; ++i) {
    if (uids[i] != plan.uid || gids[i] != plan.gid) child_failed(ChildStep::user, EPERM);
  }
  // There must be no way back.
  if (plan.uid != 0 && syscall(kSetUid, 0, 0, 0) == 0) child_failed(ChildStep::user, EPERM);
}

inline void close_from(int first, int highest) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
#endif
  for (int fd = first; fd <= highest; ++fd) close(fd);
}

inline void say(const char* text) { static_cast<void>(!write(STDERR_FILENO, text, std::strlen(text))); }

inline void enter_home(const ChildPlan& plan) {
  if (chdir(plan.home) == 0) return;
  if (plan.root != nullptr) {  // nobody expects a home in there
    if (chdir("/") != 0) child_failed(ChildStep::directory, errno);
    return;
  }
  // As sshd says it. strerror isn't safe here, strerrordesc_np only reads a table.
  const char* reason = strerrordesc_np(errno);
  say(plan.no_home);
  say(reason != nullptr ? reason : "error");
  say("\n");
  if (chdir("/") != 0) child_failed(ChildStep::directory, errno);
}

inline void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);  // KILL and STOP say no
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Becomes the program.
[[noreturn]] inline void run_child_side(const ChildPlan& plan) {
  // First the report's place: its number is above that of all the others, which are above kReportFd themselves.
  if (dup3(plan.report, kReportFd, O_CLOEXEC) < 0) _exit(127);
  reset_signals();
  if (setsid() < 0) child_failed(ChildStep::session, errno);
  if (plan.terminal && ioctl(plan.input, TIOCSCTTY, 0) != 0) child_failed(ChildStep::terminal, errno);
  if (dup2(plan.input, STDIN_FILENO) < 0 || dup2(plan.output, STDOUT_FILENO) < 0 ||
      dup2(plan.error, STDERR_FILENO) < 0) {
    child_failed(ChildStep::stdio, errno);
  }
  close_from(kReportFd + 1, plan.highest_fd);
  setrlimit(RLIMIT_NOFILE, &plan.descriptors);  // ours is raised; select() in old programs can't take that
  for (std::size_t i = 0; i < plan.limit_count; ++i)
    if (setrlimit(plan.limits[i].resource, &plan.limits[i].value) != 0) child_failed(ChildStep::limits, errno);
  // Into the folder first: none that is open leads out of it then, and the path isn't looked up twice.
  if (plan.root != nullptr && (chdir(plan.root) != 0 || chroot(".") != 0)) child_failed(ChildStep::root, errno);
  if (plan.change_user) change_user(plan);
  umask(plan.mask);
  enter_home(plan);
  if (plan.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) child_failed(ChildStep::privileges, errno);
  execve(plan.program, plan.argv, plan.envp);
  child_failed(ChildStep::run, errno);
}

}  // namespace sallyport::child
