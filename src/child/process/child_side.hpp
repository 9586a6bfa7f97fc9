// What a child does before it becomes a program: system calls only, no memory, no locks (see child/process/beside.hpp).
// Included by spawn.cpp alone.
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "child/account/local_login.hpp"
#include "child/process/beside.hpp"

namespace sallyport::child {

/// Everything that the child needs, prepared before it is made.
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
  int highest_fd = 0;
  rlimit descriptors{};
  const rlimit* core = nullptr;  ///< null: the daemon's own
  bool change_user = false;
  Identity who;
  const ResourceLimit* limits = nullptr;
  std::size_t limit_count = 0;
  const char* root = nullptr;  ///< to change the root folder to; null: stay
  mode_t mask = 022;
  bool no_new_privs = false;
};

SALLYPORT_BESIDE inline void say(const char* text) {
  static_cast<void>(syscall(SYS_write, STDERR_FILENO, text, std::strlen(text)));
}

SALLYPORT_BESIDE inline void enter_home(const ChildPlan& plan) {
  if (chdir(plan.home) == 0) return;
  const int error_number = errno;
  if (plan.root == nullptr) {  // in there nobody expects a home
    // As sshd says it. strerror isn't safe here, strerrordesc_np only reads a table.
    const char* reason = strerrordesc_np(error_number);
    say(plan.no_home);
    say(reason != nullptr ? reason : "error");
    say("\n");
  }
  if (chdir("/") != 0) fail_beside(kReportFd, ChildStep::directory, errno);
}

SALLYPORT_BESIDE inline void check(bool done, ChildStep step) {
  if (!done) fail_beside(kReportFd, step, errno);
}

/// Becomes the program.
SALLYPORT_BESIDE inline void run_child_side(const void* argument, int report) {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(argument);
  // First the report's place: its number is above that of all the others, which are above kReportFd themselves.
  if (dup3(report, kReportFd, O_CLOEXEC) < 0) end_beside(127);
  reset_handlers();
  check(setsid() >= 0, ChildStep::session);
  check(!plan.terminal || ioctl(plan.input, TIOCSCTTY, 0) == 0, ChildStep::terminal);
  check(dup2(plan.input, STDIN_FILENO) >= 0 && dup2(plan.output, STDOUT_FILENO) >= 0 && dup2(plan.error, STDERR_FILENO) >= 0,
        ChildStep::stdio);
  // Before anything that may be slow: another child's report ends with the last descriptor that holds its pipe.
  close_from(kReportFd + 1, plan.highest_fd);
  setrlimit(RLIMIT_NOFILE, &plan.descriptors);                  // ours is raised; select() in old programs can't take that
  if (plan.core != nullptr) setrlimit(RLIMIT_CORE, plan.core);  // ours is 0
  for (std::size_t i = 0; i < plan.limit_count; ++i)
    check(setrlimit(plan.limits[i].resource, &plan.limits[i].value) == 0, ChildStep::limits);
  // Into the folder first: none that is open leads out of it then, and the path isn't looked up twice.
  if (plan.root != nullptr) check(chdir(plan.root) == 0 && chroot(".") == 0, ChildStep::root);
  if (plan.change_user) take_identity(plan.who, kReportFd);
  umask(plan.mask);
  enter_home(plan);
  check(!plan.no_new_privs || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, ChildStep::privileges);
  let_signals_in();
  execve(plan.program, plan.argv, plan.envp);
  fail_beside(kReportFd, ChildStep::run, errno);
}

}  // namespace sallyport::child
