// Showing strings that a peer chose.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace sallyport::log {

/// How much of a peer's string is shown, counted as it is shown; the rest becomes "…".
constexpr std::size_t kShownBytes = 256;

/// A string that is safe in a log line and on a terminal: valid UTF-8 is kept, but control characters (C0, DEL, C1),
/// invisible and direction-changing characters, quotes, backslashes and broken bytes become \n, \t, \", \\ or \xNN.
/// What takes more than `limit` bytes when it is shown is cut between two characters, with "…" behind it. Never throws on any
/// input.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = kShownBytes);

/// What escaped() returns: escapes when it is formatted, and only then.
struct Escaped {
  std::string_view text;
  std::size_t limit;
};

/// For a text in a line of the log of which more than kShownBytes, or less, is to be shown. The result is as long-lived as
/// `text`.
[[nodiscard]] inline Escaped escaped(std::string_view text, std::size_t limit) { return {text, limit}; }

/// What plain() returns.
struct Plain {
  std::string_view text;
};

/// For a text in a line of the log that is our own, or has been found to hold nothing that needs escaping: it is shown as it is,
/// and in full. The result is as long-lived as `text`.
[[nodiscard]] inline Plain plain(std::string_view text) { return {text}; }

/// How an argument of a log call is shown: a text as a peer's, escaped, unless plain() says that it is ours. Only numbers and
/// ids are shown as they are; of anything else nobody would know what it holds, and it doesn't compile.
template <typename T>
[[nodiscard]] auto shown(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return Escaped{value, kShownBytes};
  } else {
    constexpr bool kIsNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, char>;
    static_assert(kIsNumber || std::is_enum_v<T> || std::is_same_v<T, Escaped> || std::is_same_v<T, Plain>);
    return value;
  }
}
template <typename T>
using Shown = decltype(shown(std::declval<const T&>()));

/// Appends `text` as the inside of a JSON string: UTF-8 kept, control characters and those that escape()
/// takes for deceptive as \uNNNN, broken bytes as the replacement character: always valid JSON that is safe to show. What takes
/// more than `limit` bytes there is cut between two characters, with "…" behind it.
void append_json_escaped(std::string& out, std::string_view text, std::size_t limit = std::string_view::npos);

/// Whether a character is valid but would let a peer's text hide or reorder what stands beside it, or be obeyed: C1 controls,
/// characters without a width, direction marks, line separators, tags.
[[nodiscard]] bool is_deceptive(char32_t code);

/// Length in bytes of the UTF-8 character at the start of `text` and its code point; length 0 when it's broken (or
/// `text` is empty).
struct Utf8Character {
  std::size_t length = 0;
  char32_t code = 0;
};
[[nodiscard]] Utf8Character first_character(std::string_view text);

}  // namespace sallyport::log

template <>
struct fmt::formatter<sallyport::log::Escaped> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(const sallyport::log::Escaped& value, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<sallyport::log::Plain> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(const sallyport::log::Plain& value, fmt::format_context& context) const;
};
