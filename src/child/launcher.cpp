#include "child/launcher.hpp"

#include <signal.h>

#include <optional>
#include <utility>

#include "child/local_process.hpp"

namespace sallyport::child {

struct LocalLauncher::Start {
  ProcessSpec spec;
  LocalProcess* process = nullptr;  // the loop's; null when it has gone
  std::optional<Result<Spawned>> outcome;
};

LocalLauncher::LocalLauncher(net::Loop& loop, Options options)
    : loop_(loop), descriptors_(options.descriptors), reaper_(loop, options.grace, options.use_pidfd), read_buffer_(kReadSize) {
  struct sigaction current {};
  if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

LocalLauncher::~LocalLauncher() = default;

std::unique_ptr<Process> LocalLauncher::launch(ProcessSpec spec, ProcessEvents& events) {
  auto start = std::make_shared<Start>();
  auto process = std::make_unique<LocalProcess>(*this, events, [start] { start->process = nullptr; });
  start->spec = std::move(spec);
  start->process = process.get();
  Start* key = start.get();
  starting_[key] =
      loop_.work([start, limit = descriptors_] { start->outcome.emplace(spawn(start->spec, limit)); },
                 [this, start] { started(start.get()); });
  return process;
}

void LocalLauncher::started(Start* start) {
  const auto work = std::move(starting_.extract(start).mapped());
  Result<Spawned>& outcome = *start->outcome;
  if (start->process != nullptr) {
    if (outcome) {
      start->process->begin(std::move(*outcome));
    } else {
      start->process->fail(outcome.error());
    }
  } else if (outcome) {
    // The asker went while it was being started.
    const pid_t pid = outcome->adopt();
    reaper_.adopt(pid, std::move(outcome->pidfd), nullptr).abandon();
  }
}

}  // namespace sallyport::child
