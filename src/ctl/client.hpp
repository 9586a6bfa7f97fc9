// The other end of the control socket.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::ctl {

/// Connects to the socket, sends one request and waits for its response, all before the time-out. Returns the
/// response's line without its LF. The error's detail is for the user as it stands: it says what to do about it.
Result<std::string> ask(const std::string& socket, std::string_view request, std::chrono::milliseconds timeout);

}  // namespace sallyport::ctl
