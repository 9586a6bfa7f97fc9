// Makes a process. Everything here may block and is for the thread pool.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

#include <sys/resource.h>

#include "child/account/account.hpp"
#include "child/account/login_record.hpp"
#include "child/process/signals.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::child {

/// A program that runs, with our ends of its stdio. Whoever doesn't take the pid over by adopt() kills and reaps it.
struct Spawned {
  Spawned() = default;
  Spawned(Spawned&& other) noexcept;
  Spawned& operator=(Spawned&&) = delete;
  ~Spawned();
  /// The pid is the caller's to reap from here on.
  pid_t adopt() { return std::exchange(pid, 0); }

  pid_t pid = 0;                      ///< also of its session and its process group
  net::Fd pidfd;                      ///< empty where the kernel has none
  net::Fd input;                      ///< empty with a terminal or a socket
  net::Fd output;                     ///< the terminal's master, a socket or a pipe; all three are non-blocking
  net::Fd error;                      ///< empty with a terminal
  std::string terminal;               ///< its name; empty without one
  std::string account;                ///< the one that it runs as
  uid_t uid = 0;                      ///< that account's
  std::optional<Owner> owner;         ///< of a person's program that runs as another account: with his rights it is signalled
  std::optional<LoginRecord> record;  ///< what was written of it; whoever takes it over records its end
};

/// The environment of a program: built from nothing but the account, the terminal and what `spec` lists.
std::vector<std::string> environment_of(const ProcessSpec& spec, const Account& account, const std::string& terminal);

/// What a program that has no terminal gets as standard input and output: a pipe each, or one socket for both.
enum class Stdio : std::uint8_t { pipes, socket };

/// Limits that the daemon has changed for itself, as programs get them.
struct InheritedLimits {
  rlim_t descriptors = 0;      ///< the soft limit of RLIMIT_NOFILE; 0: as many as the daemon
  std::optional<rlimit> core;  ///< absent: the daemon's own
};

/// Starts the program and waits until it has begun, so that a missing program is an Error and no child: so is an account that may
/// not be used, or something of `spec.login` that can't be done, since a program with less confinement than was asked for must
/// not run.
Result<Spawned> spawn(const ProcessSpec& spec, const InheritedLimits& inherited, Stdio stdio = Stdio::pipes);

}  // namespace sallyport::child
