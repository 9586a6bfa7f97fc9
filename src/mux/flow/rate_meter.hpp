// How fast a connection moves data just now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// The rate of the latest sample: of some milliseconds in which data kept moving. Over a pause it is what it was
/// before.
class RateMeter {
 public:
  void count(std::size_t size, TimePoint now) {
    const Duration pause = now - std::exchange(latest_, now);
    if (pause > kSample) {
      bytes_ = 0;
      began_ = now;
      return;
    }
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
  TimePoint latest_;
};

}  // namespace sallyport::mux
