// How fast a connection moves data just now.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// The rate of the latest sample: of the last few milliseconds in which something moved, and of the pause before them.
class RateMeter {
 public:
  void count(std::size_t size, TimePoint now) {
    bytes_ += size;
    const Duration taken = now - began_;
    if (taken < kSample) return;
    per_millisecond_ = bytes_ / static_cast<std::uint64_t>(taken.count());
    bytes_ = 0;
    began_ = now;
  }
  /// Bytes; 0 before anything is known.
  std::uint64_t per_millisecond() const { return per_millisecond_; }

 private:
  /// Long enough that a burst, which a program at the other end of a slow line may send, isn't taken for a rate.
  static constexpr Duration kSample{16};

  std::uint64_t bytes_ = 0;
  std::uint64_t per_millisecond_ = 0;
  TimePoint began_;
};

}  // namespace sallyport::mux
