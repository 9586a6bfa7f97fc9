// Texts of peers', made fit for a terminal that shows them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sallyport::mux {

/// The text without what could play tricks on a terminal: control characters, characters that hide or reorder others (see
/// log::is_deceptive()) and bytes that are no UTF-8 become '?', line ends CR LF. Tabs stay.
std::string clean_for_terminal(std::string_view text);

/// The same as one line of bounded length, for what is shown behind words of ours: a line end in it, behind which words that pass
/// for ours could stand, becomes a space.
std::string clean_line(std::string_view text);

/// The cleaned text with `mark` in front of each line, the first one and an empty text too, and again wherever a terminal with so
/// many columns would begin another one. Ends in a line end only if `text` does.
std::string marked_lines(std::string_view text, std::string_view mark, std::size_t columns);

}  // namespace sallyport::mux
