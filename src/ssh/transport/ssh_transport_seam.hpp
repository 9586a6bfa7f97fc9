// What libssh tells, through the seam, to a connection, and to whoever works at an exchange of its keys.
#pragma once

#include "ssh/seam/seam.h"

namespace sallyport::ssh {

/// For spssh_attach() and spssh_move(), with a SshTransport as owner.
extern const spssh_events kConnectionEvents;
/// With an ExchangeTask as owner: its session only sends.
extern const spssh_events kTaskEvents;

}  // namespace sallyport::ssh
