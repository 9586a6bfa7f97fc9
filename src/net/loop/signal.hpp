// Signals, as events of a loop.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
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

/// Keeps these signals from this thread and from those that it makes later: they wait for a SignalReader. Before the first thread
/// is made, none of them has its default effect on the process any more, not at its very end either, when nobody reads them.
/// (libuv gives a signal its default action back when its last watcher goes.)
void hold_back_signals(const std::vector<int>& numbers);

/// Reads signals that are held back, until it is destroyed.
class SignalReader {
 public:
  /// Calls `on_signal` with the number of each that comes; several of one number may be one. It may destroy the reader.
  static Result<std::unique_ptr<SignalReader>> open(Loop& loop, const std::vector<int>& numbers,
                                                    std::function<void(int)> on_signal);

 private:
  using Poll = Handle<uv_poll_t, SignalReader>;

  SignalReader(Fd fd, std::function<void(int)> on_signal) : on_signal_(std::move(on_signal)), fd_(std::move(fd)) {}
  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  void read_one();

  std::function<void(int)> on_signal_;
  Fd fd_;  // before the watcher: it must be open when that closes
  Poll poll_;
};

}  // namespace sallyport::net
