// What the kernel knows of the way to a TCP peer.
#pragma once

#include <chrono>

namespace sallyport::ssh {

/// The smallest round trip that the kernel has seen on this socket in the last minutes (tcp(7), TCP_INFO); 0 when `fd` is no
/// connected TCP socket.
std::chrono::microseconds smallest_round_trip(int fd);

}  // namespace sallyport::ssh
