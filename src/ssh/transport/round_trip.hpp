// What the kernel knows of the way to a TCP peer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sallyport::ssh {

/// All of it 0 when the socket is no connected TCP socket.
struct WayToPeer {
  std::chrono::microseconds smallest_round_trip{0};  ///< that the kernel has seen in the last minutes
  std::uint32_t segment = 0;                         ///< the largest one that it sends, in bytes
};
/// See tcp(7), TCP_INFO.
WayToPeer way_to_peer(int fd);
/// Bytes that have been written to the socket and that the peer's kernel has not acknowledged (tcp(7), SIOCOUTQ); of a Unix
/// socket the memory of what the peer hasn't read, which is more. 0 when `fd` is neither.
std::size_t unacknowledged(int fd);

}  // namespace sallyport::ssh
