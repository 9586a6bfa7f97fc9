// The time of day, as logs and audit events show it.
#pragma once

#include <chrono>
#include <string>

namespace sallyport::log {

/// RFC 3339 in UTC, to the millisecond: "2026-11-21T04:53:41.123Z".
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace sallyport::log
