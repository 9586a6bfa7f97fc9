#include "net/loop/signal.hpp"

#include <string>

namespace sallyport::net {

Result<std::unique_ptr<SignalWatcher>> SignalWatcher::open(Loop& loop, int signal_number,
                                                           std::function<void()> on_signal) {
  std::unique_ptr<SignalWatcher> watcher{new SignalWatcher{std::move(on_signal)}};
  if (auto opened = watcher->handle_.open(*watcher, uv_signal_init, loop.uv()); !opened) {
    return fail(std::move(opened.error()));
  }
  if (int rc = uv_signal_start(watcher->handle_.get(), arrived, signal_number); rc != 0) {
    return fail(from_uv(rc, "watch signal " + std::to_string(signal_number)));
  }
  return watcher;
}

void SignalWatcher::arrived(uv_signal_t* uv, int) noexcept {
  Watch::call(uv, [](SignalWatcher& self) {
    const auto on_signal = self.on_signal_;  // a copy: it may destroy the watcher
    on_signal();
  });
}

}  // namespace sallyport::net
