// Where a target may be asked to listen for a client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "route/forwarding.hpp"

namespace sallyport::route {

/// What makes it no place to listen at, whoever asks and whatever is allowed. Otherwise than a destination it may have an
/// empty host (every address) and port 0 (the target chooses one). Absent when it is sound.
std::optional<std::string_view> why_unlistenable(const Destination& address);

/// Whether one of the patterns of `remote_forwarding` (see match/forward_pattern.hpp) has the address. What a client asks for
/// by default, "localhost", is the same as 127.0.0.1 and ::1 here, for it is what sshd makes of it; and the ways to say "every
/// address" ("", "*", "0.0.0.0", "::") are the same. Only `*` as the port has port 0.
bool may_listen(const std::vector<std::string>& patterns, const Destination& address);

/// Whether the target may be asked to listen at a sound address: its `remote_forwarding`, and whether it is one that can.
/// Nothing when it may.
std::optional<ForwardObjection> why_not_listened(const ResolvedTarget& target, const Destination& address);

/// The name of the request in `[[route.channel]]`.
std::string_view listening_request_name(const Destination& address);

}  // namespace sallyport::route
