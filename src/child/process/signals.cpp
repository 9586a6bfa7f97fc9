#include "child/process/signals.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "child/process/beside.hpp"

namespace sallyport::child {
namespace {

struct Name {
  std::string_view name;
  int number;
};
constexpr Name kNames[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
    {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
    {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
};

}  // namespace

std::optional<int> signal_number(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return known.number;
  }
  return std::nullopt;
}

std::string signal_name(int number) {
  for (const Name& known : kNames) {
    if (known.number == number) return std::string{known.name};
  }
  return "SIG@openssh.com";
}

namespace {

/// Whoever the signals are for can't keep one waiting for long, see run_beside().
constexpr Duration kSignalTime = std::chrono::seconds(2);

struct SignalPlan {
  pid_t leader;
  const int* numbers;
  std::size_t count;
  int highest_fd;
  Identity who;
};

SALLYPORT_BESIDE void signal_beside(const void* argument, int report_pipe) {
  const SignalPlan& plan = *static_cast<const SignalPlan*>(argument);
  if (dup3(report_pipe, kReportFd, O_CLOEXEC) < 0) end_beside(127);
  close_from(kReportFd + 1, plan.highest_fd);
  reset_handlers();
  take_identity(plan.who, kReportFd);
  for (std::size_t i = 0; i < plan.count; ++i) syscall(SYS_kill, -plan.leader, plan.numbers[i]);
  if (syscall(SYS_kill, plan.leader, 0) != 0) fail_beside(kReportFd, ChildStep::signal, errno);
  end_beside(0);
}

}  // namespace

Result<> signal_group(pid_t leader, const std::optional<Owner>& owner, const std::vector<int>& numbers) {
  if (!owner) {
    // It fails only when the whole group is gone: nothing to be done.
    for (const int number : numbers) kill(-leader, number);
    return {};
  }
  const SignalPlan plan{leader, numbers.data(), numbers.size(), highest_descriptor(), {owner->uid, owner->gid, nullptr, 0}};
  return finish_beside(signal_beside, &plan, "process " + std::to_string(leader), kSignalTime);
}

ProcessEnd end_from_status(int status) {
  ProcessEnd end;
  if (WIFSIGNALED(status)) {
    end.signal = signal_name(WTERMSIG(status));
    end.core_dumped = WCOREDUMP(status);
  } else {
    end.status = static_cast<std::uint32_t>(WEXITSTATUS(status));
  }
  return end;
}

}  // namespace sallyport::child
