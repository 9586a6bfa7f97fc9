// Signals to the daemon, as events of a loop.
#pragma once

#include <functional>
#include <memory>

#include <sallyport/result.hpp>

#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"

namespace sallyport::net {

/// Calls `on_signal` on each arrival until it is destroyed, which the call may do itself.
class SignalWatcher {
 public:
  static Result<std::unique_ptr<SignalWatcher>> open(Loop& loop, int signal_number, std::function<void()> on_signal);

 private:
  using Watch = Handle<uv_signal_t, SignalWatcher>;

  explicit SignalWatcher(std::function<void()> on_signal) : on_signal_(std::move(on_signal)) {}
  static void arrived(uv_signal_t* uv, int) noexcept;

  std::function<void()> on_signal_;
  Watch handle_;
};

}  // namespace sallyport::net
