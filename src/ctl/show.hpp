// A response of the daemon's, as the user sees it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/result.hpp>

namespace sallyport::ctl {

/// What to print for the response to `verb`: a table or text, or with `json` the result as one JSON value in ASCII.
/// Fails with the daemon's own error, or with Errc::protocol when the response makes no sense. Everything is safe
/// for a terminal.
Result<std::string> show(std::string_view verb, std::string_view response, bool json);

/// Whether the response says that something isn't well which it was asked about: sallyportctl fails then, though it has
/// something to show. Only `check` knows such a thing.
[[nodiscard]] bool tells_of_trouble(std::string_view verb, std::string_view response);

/// A member of a request: its name and its text.
using Member = std::pair<std::string_view, std::string_view>;

/// The request's line for `verb` with its members.
[[nodiscard]] std::string request_line(std::string_view verb, const std::vector<Member>& members = {});

}  // namespace sallyport::ctl
