// Where something stands in the configuration, and what is wrong with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sallyport::config {

/// A place in a file. `line` and `column` count from 1; 0 is the file as a whole.
struct Place {
  std::shared_ptr<const std::string> file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// One thing that keeps a configuration from being used.
struct Problem {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message;  ///< what was found, what was expected; without the place

  bool operator==(const Problem&) const = default;
};

/// `file:line:column: message`, or `file: message` for a file as a whole.
std::string to_string(const Problem& problem);

/// All that was found wrong, so that one run of `-t` tells everything.
class Problems {
 public:
  /// Nobody reads more than this; the rest is counted.
  static constexpr std::size_t kMax = 200;

  void add(const Place& place, std::string message);
  /// What keeps nobody from using the configuration, and may still not be what was meant.
  void warn(const Place& place, std::string message);
  bool empty() const { return list_.empty(); }
  /// In the order of files and lines as far as they belong to the same file.
  std::vector<Problem> take();
  /// The warnings, in the order of the file.
  std::vector<Problem> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  std::vector<Problem> list_;
  std::vector<Problem> warnings_;
  std::size_t dropped_ = 0;
};

}  // namespace sallyport::config
