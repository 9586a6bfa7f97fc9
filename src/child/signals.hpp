// Signals by the names of RFC 4254, 6.10.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sallyport/process.hpp>

namespace sallyport::child {

/// The number behind a name without "SIG"; empty for a name that section 6.10 doesn't list.
std::optional<int> signal_number(std::string_view name);

/// The name for exit-signal. A signal without a name there is "SIG@openssh.com", which is what sshd sends.
std::string signal_name(int number);

/// What waitpid's status says, in the terms of RFC 4254.
ProcessEnd end_from_status(int status);

}  // namespace sallyport::child
