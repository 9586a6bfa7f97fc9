// libssh's session for a login at a target.
#pragma once

#include <sallyport/result.hpp>

#include "ssh/keys/handles.hpp"
#include "ssh/keys/known_hosts.hpp"
#include "ssh/upstream/client_options.hpp"

namespace sallyport::ssh {

/// A session with the algorithms and limits of `options`. The types of the keys that are known for the host are asked for first.
/// Errc::config when an algorithm is unknown.
Result<SessionHandle> client_session(const ClientOptions& options, const KnownHosts& known_hosts);

}  // namespace sallyport::ssh
