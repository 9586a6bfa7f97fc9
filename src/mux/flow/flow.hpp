// How the flow is at one end of a channel.
#pragma once

#include <cstdint>

namespace sallyport::mux {

/// As it is now, in bytes of data.
struct Flow {
  std::uint32_t window = 0;   ///< may be sent to this end now
  std::uint32_t granted = 0;  ///< may still be sent by the peer behind it
  std::uint32_t credit = 0;   ///< the most that that peer may ever send ahead, or have unconsumed
  bool congested = false;     ///< the connection behind this end takes no more for now
  bool in_company = false;    ///< another channel of the same connection has been active in the last second or two
};

}  // namespace sallyport::mux
