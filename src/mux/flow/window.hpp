// How much one side may still send on a channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace sallyport::mux {

/// A window of RFC 4254, 5.2, in bytes: it never falls below 0, nor rises beyond 2^32-1.
class Window {
 public:
  explicit Window(std::uint32_t bytes = 0) : bytes_(bytes) {}

  std::uint32_t bytes() const { return bytes_; }
  /// False, and nothing is added, when the sum would be too large.
  [[nodiscard]] bool add(std::uint32_t bytes) {
    if (bytes > std::numeric_limits<std::uint32_t>::max() - bytes_) return false;
    bytes_ += bytes;
    return true;
  }
  /// False, and nothing is taken, when there is not so much.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (bytes > bytes_) return false;
    bytes_ -= static_cast<std::uint32_t>(bytes);
    return true;
  }

 private:
  std::uint32_t bytes_;
};

}  // namespace sallyport::mux
