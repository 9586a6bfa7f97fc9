// A TOML file as a tree of our own. Only document.cpp sees toml++, which is slow to compile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"

namespace sallyport::config {

/// A value of a TOML document, with the place where it stands.
struct Node {
  enum class Kind : std::uint8_t { string, integer, floating, boolean, date_or_time, array, table };

  Kind kind = Kind::table;
  Place place;       ///< of the value
  Place key_place;   ///< of the key in front of it; as `place` for an array's item
  std::string key;   ///< empty for an array's item
  std::string text;  ///< kind string: the value; floating, date_or_time: for messages
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<Node> children;  ///< an array's items, a table's values in the order of their keys

  /// The value of `name` in a table; null without one.
  const Node* find(std::string_view name) const;
  Node* find(std::string_view name);
};

/// What a message calls the value: `the string "abc"`, `the number 5`, `a table`. Escaped and of bounded length.
std::string describe(const Node& node);

/// Text in quotation marks, with everything escaped that is not printable, and cut when it is long.
std::string quoted(std::string_view text);

/// Parses `text`, which came from `file`. On a syntax error adds a problem and returns an empty table.
Node parse_toml(std::string_view text, const std::string& file, Problems& problems);

}  // namespace sallyport::config
