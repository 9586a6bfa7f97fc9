// How one event becomes one line of the log.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "log/logger.hpp"

namespace sallyport::log {

/// Appends the line with its LF. Text: time, level, message. JSON: an object with `time`, `level`, the ids that the
/// message begins with (`conn=c1 chan=h2`) as members of their own, and `message`, the rest. Control characters that a
/// message should never hold come out escaped, so that an event is one line whatever happens.
void append_line(std::string& out, LogFormat format, std::chrono::system_clock::time_point time, Level level,
                 std::string_view message);

}  // namespace sallyport::log
