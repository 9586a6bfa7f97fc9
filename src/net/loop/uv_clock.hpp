// The clock of one loop.
#pragma once

#include <sallyport/clock.hpp>

#include "net/loop/loop.hpp"

namespace sallyport::net {

/// Time and timers of `loop`, which must outlive it and its timers.
class UvClock final : public Clock {
 public:
  explicit UvClock(Loop& loop) : loop_(loop) {}
  TimePoint now() const override { return loop_.now(); }
  FineTimePoint fine_now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::steady_clock::now());
  }
  std::chrono::system_clock::time_point wall_time() const override { return std::chrono::system_clock::now(); }
  /// A delay of zero or less means the next turn.
  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, std::function<void()> then) override;

 private:
  Loop& loop_;
};

}  // namespace sallyport::net
