// What lines and events of several kinds have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

#include "log/logger.hpp"

namespace sallyport::journal {

/// "local" for what ends on the bastion.
inline std::string name_of(const std::optional<TrunkId>& trunk) { return trunk ? log::to_string(*trunk) : "local"; }

inline std::uint64_t milliseconds(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

}  // namespace sallyport::journal
