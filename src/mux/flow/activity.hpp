// How many channels of a connection move data just now, and how fast.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <sallyport/clock.hpp>

#include "mux/flow/rate_meter.hpp"

namespace sallyport::mux {

class Activity {
 public:
  /// A channel counts as active for this, to twice this, after it moved data.
  static constexpr Duration kPeriod = std::chrono::seconds(1);

  /// What a channel remembers: the period in which it has been active last. 0 is "never".
  using Mark = std::uint8_t;

  explicit Activity(TimePoint now) : period_began_(now) {}

  /// The channel with that mark has moved `size` bytes.
  void count(Mark& channel, std::size_t size, TimePoint now) {
    rate_.count(size, now);
    if (now - period_began_ >= kPeriod) {
      before_ = now - period_began_ < 2 * kPeriod ? now_ : 0;
      now_ = 0;
      period_began_ = now;
      if (++period_ == 0) period_ = 1;
    }
    if (channel == period_) return;
    channel = period_;
    ++now_;
  }
  /// More than one channel has been active in the last period or two.
  bool in_company() const { return std::max(now_, before_) > 1; }
  std::uint64_t bytes_per_millisecond() const { return rate_.per_millisecond(); }

 private:
  Mark period_ = 1;
  std::uint32_t now_ = 0;     // channels active in this period …
  std::uint32_t before_ = 0;  // … and in the one before
  TimePoint period_began_;
  RateMeter rate_;
};

}  // namespace sallyport::mux
