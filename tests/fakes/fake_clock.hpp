// Time that stands still until a test moves it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <sallyport/clock.hpp>

namespace sallyport::fakes {

/// Runs timers in the order in which they fall due, those of one moment in the order in which they were made. Must
/// outlive its timers.
class FakeClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  FineTimePoint fine_now() const override { return now_ + within_; }
  std::chrono::system_clock::time_point wall_time() const override { return wall_time_; }
  /// Sets the time of day, which moves by nothing else.
  void set_wall_time(std::chrono::system_clock::time_point time) { wall_time_ = time; }

  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, std::function<void()> then) override {
    const Key key{now_ + delay, ++last_};
    pending_.emplace(key, std::move(then));
    return std::make_unique<Pending>(*this, key);
  }

  /// Lets that much time go by, with everything that falls due on the way, also what is added meanwhile.
  void advance(Duration by) {
    const TimePoint until = now_ + by;
    while (!pending_.empty() && pending_.begin()->first.first <= until) {
      auto due = pending_.extract(pending_.begin());
      now_ = std::max(now_, due.key().first);
      due.mapped()();  // may destroy its own timer
    }
    now_ = until;
  }
  /// The same in smaller steps: now() follows in milliseconds.
  void pass(std::chrono::microseconds by) {
    within_ += by;
    const auto whole = std::chrono::floor<Duration>(within_);
    within_ -= whole;
    advance(whole);
  }
  /// A turn of the loop in which no time passes.
  void turn() { advance(Duration::zero()); }
  std::size_t pending() const { return pending_.size(); }

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;
  struct Pending final : Timer {
    Pending(FakeClock& owner, Key own_key) : clock(owner), key(own_key) {}
    ~Pending() override { clock.pending_.erase(key); }
    FakeClock& clock;
    Key key;
  };

  TimePoint now_{std::chrono::hours(1)};
  std::chrono::microseconds within_{0};
  std::chrono::system_clock::time_point wall_time_{};
  std::uint64_t last_ = 0;
  std::map<Key, std::function<void()>> pending_;
};

}  // namespace sallyport::fakes
