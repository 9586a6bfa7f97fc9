// All that the logic knows of time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace sallyport {

using Duration = std::chrono::milliseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// For what takes less than a turn of the loop.
using FineTimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

/// A pending call; destroying it cancels it.
class Timer {
 public:
  virtual ~Timer() = default;
};

/// The time of one loop, and calls that it makes later. Used on that loop's thread alone.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time at which this turn of the loop began.
  virtual TimePoint now() const = 0;
  /// The time now, which is behind that of now(). It costs some dozens of nanoseconds.
  virtual FineTimePoint fine_now() const { return now(); }
  /// The time of day, which an administrator may set.
  virtual std::chrono::system_clock::time_point wall_time() const = 0;
  /// Calls `then` once, never inside this call, unless the Timer is destroyed before. `then` may destroy the Timer.
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration delay, std::function<void()> then) = 0;
};

}  // namespace sallyport
