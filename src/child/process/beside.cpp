#include "child/process/beside.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kStackSize = 64 * 1024;
/// How often a child that hasn't reported is looked at: whether it has been stopped.
constexpr std::chrono::milliseconds kLook{50};

struct Start {
  BesideMain main;
  const void* plan;
  int report;
};

SALLYPORT_BESIDE int begin(void* argument) {
  const auto& start = *static_cast<const Start*>(argument);
  start.main(start.plan, start.report);
  end_beside(127);
}

/// The child's, as long as it has our memory.
class Stack {
 public:
  Stack() : memory_(mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~Stack() {
    if (*this) munmap(memory_, kStackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  explicit operator bool() const { return memory_ != MAP_FAILED; }
  /// It grows downwards on every machine that we know.
  void* top() const { return static_cast<char*>(memory_) + kStackSize; }

 private:
  void* memory_;
};

pid_t make_child(const Start& start, const Stack& stack) {
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer takes every clone for a fork, and would begin anew in the memory that it shares.
  static_cast<void>(stack);
  const pid_t pid = fork();
  if (pid == 0) begin(const_cast<Start*>(&start));
  return pid;
#else
  return clone(begin, stack.top(), CLONE_VM | SIGCHLD, const_cast<Start*>(&start));
#endif
}

bool is_stopped(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
         info.si_code == CLD_STOPPED;
}

/// The child's report, or none at the pipe's end. errno is not to be believed here: the child has the same one.
Result<std::optional<ChildReport>> wait_for_report(const net::Fd& fd, pid_t pid, Duration limit) {
  const auto deadline = SteadyClock::now() + limit;
  for (;;) {
    pollfd wanted{fd.get(), POLLIN, 0};
    if (poll(&wanted, 1, static_cast<int>(kLook.count())) > 0) {
      ChildReport report{};
      const ssize_t count = read(fd.get(), &report, sizeof report);
      if (count == static_cast<ssize_t>(sizeof report)) return std::optional(report);
      if (count == 0) return std::optional<ChildReport>();
    }
    if (is_stopped(pid)) return fail(Errc::denied, "it was stopped while it began");
    if (SteadyClock::now() >= deadline) return fail(Errc::timeout, "it took too long to begin");
  }
}

const char* step_name(ChildStep step) {
  switch (step) {
    case ChildStep::session: return "make a session";
    case ChildStep::terminal: return "take the terminal";
    case ChildStep::stdio: return "set up stdio";
    case ChildStep::limits: return "set a limit";
    case ChildStep::root: return "change the root folder";
    case ChildStep::privileges: return "give up new privileges";
    case ChildStep::user: return "change the user";
    case ChildStep::directory: return "change the directory";
    case ChildStep::run: return "run";
    case ChildStep::path: return "look at";
    case ChildStep::own:
    case ChildStep::connect: return "connect to";
    case ChildStep::signal: return "signal";
  }
  return "start";
}

}  // namespace

Error error_of(const ChildReport& report, const std::string& what) {
  const std::string doing = step_name(report.step) + (" " + what);
  if (report.step == ChildStep::own) return {Errc::denied, doing + ": it is the daemon's own"};
  return net::from_errno(report.error_number, doing);
}

Result<> above_stdio(net::Fd& fd) {
  if (fd.get() > kReportFd) return {};
  net::Fd moved{fcntl(fd.get(), F_DUPFD_CLOEXEC, kReportFd + 1)};
  if (!moved) return fail(net::from_errno(errno, "move descriptor"));
  fd = std::move(moved);
  return {};
}

Result<PipeEnds> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(net::from_errno(errno, "make a pipe"));
  PipeEnds made{net::Fd{ends[0]}, net::Fd{ends[1]}};
  for (net::Fd* end : {&made.reading, &made.writing})
    if (auto moved = above_stdio(*end); !moved) return fail(std::move(moved.error()));
  return made;
}

int highest_descriptor() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) : 1 << 20;
}

void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Beside> run_beside(BesideMain main, const void* plan, Duration limit) {
  auto pipe = make_pipe();
  if (!pipe) return fail(std::move(pipe.error()));
  const Stack stack;
  if (!stack) return fail(net::from_errno(ENOMEM, "make a stack"));
  const Start start{main, plan, pipe->writing.get()};

  // No handler of the daemon's may run in the child, nor in here until it is gone: it would find the child's errno.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = make_child(start, stack);
  const int error_number = errno;
  Result<std::optional<ChildReport>> outcome = std::optional<ChildReport>();
  if (pid > 0) {
    pipe->writing.reset();
    outcome = wait_for_report(pipe->reading, pid, limit);
    if (!outcome) {
      kill(pid, SIGKILL);
      reap(pid);  // it has our memory up to here
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail(net::from_errno(error_number, "start a process"));
  if (!outcome) return fail(std::move(outcome.error()));
  return Beside{pid, *outcome};
}

Result<> finish_beside(BesideMain main, const void* plan, const std::string& what, Duration limit) {
  auto outcome = run_beside(main, plan, limit);
  if (!outcome) return fail(outcome.error().code, what + ": " + outcome.error().detail);
  int status = 0;
  while (waitpid(outcome->pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (outcome->report) return fail(error_of(*outcome->report, what));
  if (status != 0) return fail(Errc::unavailable, what + ": the process for it was ended");
  return {};
}

}  // namespace sallyport::child
