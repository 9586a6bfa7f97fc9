#include "child/launch/launcher.hpp"

#include <signal.h>

#include <functional>
#include <optional>
#include <utility>

#include "child/launch/local_process.hpp"
#include "child/launch/socket_process.hpp"

namespace sallyport::child {

struct LocalLauncher::Start {
  ProcessSpec spec;
  std::function<void(Result<Spawned>&)> deliver;  // the loop's; empty when the asker has gone
  std::optional<Result<Spawned>> outcome{fail(Errc::unavailable, "the program was not started")};
};

LocalLauncher::LocalLauncher(net::Loop& loop, Options options)
    : loop_(loop),
      inherited_(options.inherited),
      login_files_(std::move(options.login_files)),
      reaper_(loop, options.grace, options.use_pidfd),
      read_buffer_(kReadSize),
      lane_(loop, kStarts) {
  struct sigaction current {};
  if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

namespace {

/// Once, whoever comes first: the thread pool, or the launcher's end.
template <typename Logout>
void write_end(Logout& logout, const LoginFiles& files) {
  if (!logout.written.test_and_set()) record_logout(logout.login, files);
}

}  // namespace

LocalLauncher::~LocalLauncher() {
  for (const auto& [logout, work] : logouts_) write_end(*logout, login_files_);
}

void LocalLauncher::record_end(LoginRecord login) {
  auto logout = std::make_shared<Logout>();
  logout->login = std::move(login);
  logouts_[logout] =
      loop_.work([logout, files = login_files_] { write_end(*logout, files); }, [this, logout] { logouts_.erase(logout); });
}

std::unique_ptr<Process> LocalLauncher::launch(ProcessSpec spec, ProcessEvents& events) {
  auto start = std::make_shared<Start>();
  auto process = std::make_unique<LocalProcess>(*this, events, [start] { start->deliver = nullptr; });
  start->spec = std::move(spec);
  start->deliver = [process = process.get()](Result<Spawned>& outcome) {
    outcome ? process->begin(std::move(*outcome)) : process->fail(outcome.error());
  };
  begin(start, Stdio::pipes);
  return process;
}

std::unique_ptr<SocketProcess> LocalLauncher::launch_on_socket(ProcessSpec spec, SocketProcessEvents& events) {
  auto start = std::make_shared<Start>();
  auto process = std::make_unique<SocketProcess>(*this, events, [start] { start->deliver = nullptr; });
  start->spec = std::move(spec);
  start->deliver = [process = process.get()](Result<Spawned>& outcome) { process->begin(outcome); };
  begin(start, Stdio::socket);
  return process;
}

void LocalLauncher::begin(const std::shared_ptr<Start>& start, Stdio stdio) {
  starting_[start.get()] = lane_.work(
      [start, stdio, limits = inherited_, files = login_files_] {
        start->outcome.emplace(spawn(start->spec, limits, stdio));
        Result<Spawned>& outcome = *start->outcome;
        if (!outcome || !start->spec.login || !start->spec.login->record_login || outcome->terminal.empty()) return;
        outcome->record = LoginRecord{outcome->terminal, outcome->account, outcome->uid, start->spec.login->source, outcome->pid};
        record_login(*outcome->record, files);
      },
      [this, start] { started(start.get()); }, start->spec.client);
}

void LocalLauncher::started(Start* start) {
  const auto entry = starting_.extract(start);
  if (entry.empty()) return;
  Result<Spawned>& outcome = *start->outcome;
  // It may destroy what it belongs to, which would empty it while it runs.
  if (const auto deliver = std::exchange(start->deliver, nullptr)) return deliver(outcome);
  if (!outcome) return;
  // The asker went while it was being started.
  if (outcome->record) record_end(std::move(*outcome->record));
  const pid_t pid = outcome->adopt();
  reaper_.adopt(pid, std::move(outcome->pidfd), outcome->owner, nullptr).abandon();
}

}  // namespace sallyport::child
