// What a client may lend a target: its authentication agent and its display.
#pragma once

#include <cstdint>

#include "route/resolved_target.hpp"
#include "wire/channel_requests.hpp"

namespace sallyport::mux {

enum class Loan : std::uint8_t { agent, display };

/// Whether sessions of the target may have it. The policy is asked when the client offers it, which is before it is known where
/// the session will end.
bool borrows(const ResolvedTarget& target, Loan loan);

/// Whether it is what xauth understands, as sshd would ask.
bool is_sound_x11_request(const wire::X11Request& request);

}  // namespace sallyport::mux
