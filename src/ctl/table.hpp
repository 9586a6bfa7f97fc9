// Text for a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::ctl {

/// `text` without anything that a terminal would obey: as log::escape, but quotes stay as they are.
[[nodiscard]] std::string printable(std::string_view text);
/// The same for several lines: line feeds stay too.
[[nodiscard]] std::string printable_lines(std::string_view text);

/// Columns of a table; numbers stand to the right.
struct Column {
  std::string_view title;
  bool right = false;
};

/// One line for the titles and one for each row, columns two spaces apart, without spaces at a line's end. Cells must
/// be printable; an empty one is shown as "-". Each row has as many cells as there are columns.
[[nodiscard]] std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

/// "45s", "12m05s", "3h07m", "9d04h".
[[nodiscard]] std::string short_duration(std::uint64_t seconds);
/// "999", "1.2K", "34M": powers of 1024.
[[nodiscard]] std::string short_bytes(std::uint64_t bytes);

}  // namespace sallyport::ctl
