// Connects to a Unix socket of the bastion's for a client. Everything here may block and is for the thread pool.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>
#include <sallyport/stream.hpp>

#include "net/sockets/socket_stream.hpp"

namespace sallyport::child {

/// Connects as the account, whom the listener then sees in SO_PEERCRED and SCM_CREDENTIALS: a child that has taken the
/// account's rights, as a program of the same target would, does it. `account` is checked as that program's is (see
/// check_account()); absent is no account, which is the daemon's own where that isn't root, and nobody where it is.
/// With a `chroot` the path begins there.
///
/// The path has no symbolic link in it, or is refused, since others may be able to turn that to somewhere else; and
/// what has been looked at is what is connected to. Neither `own` sockets, by whatever path, nor one that this process
/// listens at by another name can be reached: there it would be its own user, who may do everything.
///
/// Errc::denied, not_found, refused, timeout, limit, unavailable, config or io.
Result<net::LocalSocket> connect_socket(const std::string& path, const std::optional<SocketAccount>& account,
                                        const std::vector<std::string>& own, Duration limit);

}  // namespace sallyport::child
