// What bounds how far a sender may run ahead of its receiver.
#pragma once

#include <cstdint>
#include <limits>

namespace sallyport::mux {

/// How much of what was sent to an end may be where, in bytes.
struct RoomLimits {
  std::uint32_t unread = 0;      ///< with the peer, which hasn't consumed it
  std::uint32_t on_the_way = 0;  ///< here, in a queue or on the line
  /// So much room may be told of by what is known already; the kernel is asked where that would leave less.
  std::uint32_t enough = std::numeric_limits<std::uint32_t>::max();
};

}  // namespace sallyport::mux
