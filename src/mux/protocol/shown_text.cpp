#include "mux/protocol/shown_text.hpp"

#include <algorithm>

#include "log/escape.hpp"

namespace sallyport::mux {
namespace {

/// What a peer has to say in a line of ours; the rest is dropped.
constexpr std::size_t kLineBytes = 512;
constexpr std::size_t kTab = 8;
/// A terminal of unknown or hardly any width is taken for one of this.
constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kFewColumns = 20;

/// Takes the character in front, or the byte that is none.
std::string_view take_character(std::string_view& text, char32_t& code) {
  const log::Utf8Character character = log::first_character(text);
  const std::string_view taken = text.substr(0, std::max<std::size_t>(character.length, 1));
  code = character.length == 0 ? U'\0' : character.code;
  text.remove_prefix(taken.size());
  return taken;
}

}  // namespace

std::string clean_for_terminal(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    char32_t code = 0;
    const std::string_view character = take_character(text, code);
    if (code == U'\n') {
      clean += "\r\n";
    } else if (code == U'\t' || (code >= 0x20 && code != 0x7f && !log::is_deceptive(code))) {
      clean += character;
    } else if (code != U'\r') {
      clean += '?';
    }
  }
  return clean;
}

std::string clean_line(std::string_view text) {
  std::string line = clean_for_terminal(text.substr(0, kLineBytes));
  std::erase(line, '\r');
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string marked_lines(std::string_view text, std::string_view mark, std::size_t columns) {
  if (columns < mark.size() + kFewColumns) columns = std::max(kUsualColumns, mark.size() + kFewColumns);
  const std::string clean = clean_for_terminal(text);
  std::string out(mark);
  std::size_t column = mark.size();
  bool begun = true;  // the line has its mark
  for (std::string_view rest = clean; !rest.empty();) {
    if (!begun) {
      out += mark;
      column = mark.size();
      begun = true;
    }
    char32_t code = 0;
    const std::string_view character = take_character(rest, code);
    out += character;
    if (code == U'\n') begun = false;
    if (code == U'\n' || code == U'\r') continue;
    // How wide a character is, the terminal alone knows: none that isn't ASCII is wider than two columns.
    column = code == U'\t' ? (column / kTab + 1) * kTab : column + (code < 0x80 ? 1 : 2);
    const bool is_full = column + 2 > columns;
    if (is_full && !rest.empty() && rest.front() != '\r') {
      out += "\r\n";
      begun = false;
    }
  }
  return out;
}

}  // namespace sallyport::mux
