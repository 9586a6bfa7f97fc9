// What a client may lend a target: its authentication agent and its display.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>

#include "mux/admission.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::mux {

enum class Loan : std::uint8_t { agent, display };

/// Why the client may not lend it, for the administrator: the restrictions of its key, the route's rules for "agent" and
/// "x11", `forward_agent` and `forward_x11`. Nothing when it may. Asked before it is known where the session will end.
std::optional<std::string> why_not_lent(const Admission& client, Loan loan);

/// Whether sessions of the target may have it.
bool borrows(const ResolvedTarget& target, Loan loan);

/// Whether the fields of a well-formed x11-req are what xauth understands, as sshd would ask.
bool is_sound_x11_request(ByteView rest);

}  // namespace sallyport::mux
