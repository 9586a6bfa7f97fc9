#include "child/process/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "child/account/local_login.hpp"
#include "child/process/child_side.hpp"
#include "child/process/pty.hpp"
#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

// As Debian's sshd has them.
constexpr const char* kUserPath = "/usr/local/bin:/usr/bin:/bin:/usr/games";
constexpr const char* kRootPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The open file behind our end is ours alone, so the child's end stays blocking.
void unblock(const net::Fd& fd) { static_cast<void>(fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK)); }

struct ChildStdio {
  net::Fd input;
  net::Fd output;
  net::Fd error;
};

Result<> make_socket(Spawned& ours, ChildStdio& theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(net::from_errno(errno, "make a socket pair"));
  }
  ours.output = net::Fd{ends[0]};
  theirs.input = net::Fd{ends[1]};
  auto error = make_pipe();
  if (!error) return fail(std::move(error.error()));
  ours.error = std::move(error->reading);
  theirs.error = std::move(error->writing);
  for (const net::Fd* end : {&ours.output, &ours.error}) unblock(*end);
  return above_stdio(theirs.input);
}

Result<> make_pipes(Spawned& ours, ChildStdio& theirs) {
  auto input = make_pipe();
  if (!input) return fail(std::move(input.error()));
  auto output = make_pipe();
  if (!output) return fail(std::move(output.error()));
  auto error = make_pipe();
  if (!error) return fail(std::move(error.error()));
  ours.input = std::move(input->writing);
  ours.output = std::move(output->reading);
  ours.error = std::move(error->reading);
  theirs = {std::move(input->reading), std::move(output->writing), std::move(error->writing)};
  for (const net::Fd* end : {&ours.input, &ours.output, &ours.error}) unblock(*end);
  return {};
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

net::Fd open_pidfd(pid_t pid) {
#ifdef SYS_pidfd_open
  return net::Fd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};  // always close-on-exec
#else
  static_cast<void>(pid);
  return {};
#endif
}

}  // namespace

Spawned::Spawned(Spawned&& other) noexcept
    : pid(other.adopt()),
      pidfd(std::move(other.pidfd)),
      input(std::move(other.input)),
      output(std::move(other.output)),
      error(std::move(other.error)),
      terminal(std::move(other.terminal)),
      account(std::move(other.account)),
      uid(other.uid),
      owner(std::move(other.owner)),
      record(std::move(other.record)) {}

Spawned::~Spawned() {
  if (pid == 0) return;
  if (signal_group(pid, owner, {SIGKILL})) reap(pid);
}

std::vector<std::string> environment_of(const ProcessSpec& spec, const Account& account, const std::string& terminal) {
  std::map<std::string, std::string> variables{
      {"HOME", account.home},
      {"USER", account.name},
      {"LOGNAME", account.name},
      {"SHELL", account.shell},
      {"PATH", account.uid == 0 ? kRootPath : kUserPath},
  };
  if (spec.pty) {
    if (!spec.pty->term.empty()) variables["TERM"] = spec.pty->term;
    variables["SSH_TTY"] = terminal;
  }
  for (const auto& [name, value] : spec.environment) variables[name] = value;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) {
    // What can't be said in an environment is left out.
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) continue;
    if (value.find('\0') != std::string::npos) continue;
    environment.push_back(name + "=" + value);
  }
  return environment;
}

Result<Spawned> spawn(const ProcessSpec& spec, const InheritedLimits& inherited, Stdio stdio) {
  if (spec.argv.empty() || spec.argv[0].empty()) return fail(Errc::config, "no program to run");
  for (const auto& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) return fail(Errc::protocol, "a NUL byte in the command");
  }
  auto account = look_up_account(spec.user);
  if (!account) return fail(account.error());
  auto confinement = spec.login ? confine(*spec.login, *account) : Result<Confinement>(Confinement{});
  if (!confinement) return fail(std::move(confinement.error()));

  Spawned ours;
  ChildStdio theirs;
  if (spec.pty) {
    auto pty = open_pty(*spec.pty, *account);
    if (!pty) return fail(std::move(pty.error()));
    ours.terminal = std::move(pty->name);
    ours.output = std::move(pty->master);
    theirs.input = std::move(pty->slave);
    if (auto moved = above_stdio(theirs.input); !moved) return fail(std::move(moved.error()));
  } else if (auto made = stdio == Stdio::socket ? make_socket(ours, theirs) : make_pipes(ours, theirs); !made) {
    return fail(std::move(made.error()));
  }
  // All that needs memory is made before the child is: other threads may hold malloc's locks.
  std::vector<std::string> arguments = spec.argv;
  if (!spec.argv0.empty()) arguments[0] = spec.argv0;
  std::vector<std::string> environment = environment_of(spec, *account, ours.terminal);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  const std::string no_home = "Could not chdir to home directory " + account->home + ": ";
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);

  ChildPlan plan;
  plan.program = spec.argv[0].c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.home = account->home.c_str();
  plan.no_home = no_home.c_str();
  plan.terminal = spec.pty.has_value();
  plan.input = theirs.input.get();
  plan.output = theirs.output ? theirs.output.get() : theirs.input.get();  // one for both: a terminal, a socket
  plan.error = plan.terminal ? theirs.input.get() : theirs.error.get();
  plan.highest_fd = highest_descriptor();
  plan.descriptors = limit;
  if (inherited.descriptors != 0) plan.descriptors.rlim_cur = std::min(inherited.descriptors, limit.rlim_max);
  if (inherited.core) plan.core = &*inherited.core;
  plan.change_user = account->other || confinement->sets_groups;
  plan.limits = confinement->limits.data();
  plan.limit_count = confinement->limits.size();
  if (!confinement->root.empty()) plan.root = confinement->root.c_str();
  plan.mask = confinement->mask;
  plan.no_new_privs = confinement->no_new_privs;
  plan.who = {account->uid, account->gid, account->groups.data(), account->groups.size()};

  const auto begun = run_beside(run_child_side, &plan);
  if (!begun) {
    release_pty(ours.terminal);
    return fail(begun.error().code, "start " + spec.argv[0] + ": " + begun.error().detail);
  }
  if (begun->report) {
    reap(begun->pid);
    release_pty(ours.terminal);
    return fail(error_of(*begun->report, spec.argv[0]));
  }
  ours.pid = begun->pid;
  ours.account = account->name;
  ours.uid = account->uid;
  if (spec.login && account->other) ours.owner = Owner{account->uid, account->gid, spec.client};
  ours.pidfd = open_pidfd(ours.pid);
  return ours;
}

}  // namespace sallyport::child
