#include "child/signals.hpp"

#include <signal.h>
#include <sys/wait.h>

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
