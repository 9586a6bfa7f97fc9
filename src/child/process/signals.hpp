// Signals by the names of RFC 4254, 6.10.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/process.hpp>

namespace sallyport::child {

/// The number behind a name without "SIG"; empty for a name that section 6.10 doesn't list.
std::optional<int> signal_number(std::string_view name);

/// The name for exit-signal. A signal without a name there is "SIG@openssh.com", which is what sshd sends.
std::string signal_name(int number);

/// Another account than the daemon's, which a person's program runs as.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string client = {};  ///< the user here whom it is for, see ProcessSpec
};

/// Sends the signals, in that order, to the process group of a leader that hasn't been reaped, with the rights of its owner: a
/// program that has become somebody else is for those to end who may. With our own when there is no owner. Fails when the leader
/// itself may not be signalled. With an owner it blocks: for the thread pool.
Result<> signal_group(pid_t leader, const std::optional<Owner>& owner, const std::vector<int>& numbers);

/// What waitpid's status says, in the terms of RFC 4254.
ProcessEnd end_from_status(int status);

}  // namespace sallyport::child
