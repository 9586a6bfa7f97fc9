// What a trunk is wanted for.
#pragma once

#include <cstdint>
#include <optional>

#include <sallyport/ids.hpp>

namespace sallyport::mux {

struct TrunkUse {
  enum class Kind : std::uint8_t {
    session,  ///< a session channel, which is what targets count
    forward,  ///< a channel of another type
    hold,     ///< the trunk itself, without a channel
  };
  Kind kind = Kind::session;
  std::optional<TrunkId> beside = {};  ///< the trunk that it had best be, if that has room
  bool afresh = false;                 ///< only one that has had no session
};

}  // namespace sallyport::mux
