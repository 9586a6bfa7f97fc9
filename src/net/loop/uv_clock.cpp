#include "net/loop/uv_clock.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "net/loop/handle.hpp"

namespace sallyport::net {
namespace {

class UvTimer final : public Timer {
 public:
  UvTimer(Loop& loop, Duration delay, std::function<void()> then) : then_(std::move(then)) {
    // Neither can fail: they allocate nothing but our cell.
    if (!handle_.open(*this, uv_timer_init, loop.uv())) std::abort();
    const auto wait = static_cast<std::uint64_t>(std::max<Duration::rep>(delay.count(), 0));
    if (uv_timer_start(handle_.get(), fired, wait, 0) != 0) std::abort();
  }

 private:
  static void fired(uv_timer_t* uv) noexcept {
    Handle<uv_timer_t, UvTimer>::call(uv, [](UvTimer& self) {
      const auto then = std::exchange(self.then_, nullptr);  // it may destroy the timer
      then();
    });
  }

  std::function<void()> then_;
  Handle<uv_timer_t, UvTimer> handle_;
};

}  // namespace

std::unique_ptr<Timer> UvClock::after(Duration delay, std::function<void()> then) {
  return std::make_unique<UvTimer>(loop_, delay, std::move(then));
}

}  // namespace sallyport::net
