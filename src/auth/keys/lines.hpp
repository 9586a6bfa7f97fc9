// The lines of a file of keys that hold something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sallyport::auth {

/// Gives the lines of a text in turn, without blanks in front, empty ones and comments. The text outlives it.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      std::string_view line = rest_.substr(0, rest_.find('\n'));
      rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
      ++number_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
      if (!line.empty() && line.front() != '#') return line;
    }
    return std::nullopt;
  }
  /// Of the line that next() gave; the first is 1.
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace sallyport::auth
