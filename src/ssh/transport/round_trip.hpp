// What the kernel knows of the way to a TCP peer.
#pragma once

#include <chrono>
#include <cstddef>

namespace sallyport::ssh {

/// The smallest round trip that the kernel has seen on this socket in the last minutes (tcp(7), TCP_INFO); 0 when `fd` is no
/// connected TCP socket.
std::chrono::microseconds smallest_round_trip(int fd);
/// Bytes that have been written to the socket and that the peer's kernel has not acknowledged (tcp(7), SIOCOUTQ); of a Unix
/// socket the memory of what the peer hasn't read, which is more. 0 when `fd` is neither.
std::size_t unacknowledged(int fd);

}  // namespace sallyport::ssh
