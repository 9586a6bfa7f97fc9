// A response of the daemon's, as the user sees it.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::ctl {

/// What to print for the response to `verb`: a table or text, or with `json` the result as one JSON value in ASCII.
/// Fails with the daemon's own error, or with Errc::protocol when the response makes no sense. Everything is safe
/// for a terminal.
Result<std::string> show(std::string_view verb, std::string_view response, bool json);

/// The request's line for `verb`, with one member more if `key` isn't empty.
[[nodiscard]] std::string request_line(std::string_view verb, std::string_view key = {}, std::string_view value = {});

}  // namespace sallyport::ctl
