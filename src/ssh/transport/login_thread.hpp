// A thread for what is expensive in a login: key exchanges and signatures, of clients and towards targets.
#pragma once

#include <functional>
#include <thread>

#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::ssh {

/// Runs a loop of its own at a lower priority than the rest, so that a storm of logins can't be felt in an open session.
/// What lives there is reached by loop().post() alone.
class LoginThread {
 public:
  /// Above 0, as nice(1): a quarter of the time when something else wants all of it, and all of it otherwise.
  static constexpr int kNice = 5;

  /// `on_exception` is Loop::on_exception()'s, and called on the new thread.
  explicit LoginThread(std::function<void(const Error&)> on_exception = {});
  /// Everything that was put there must have been destroyed, by posted calls of which the last may still be waiting.
  ~LoginThread();
  LoginThread(const LoginThread&) = delete;
  LoginThread& operator=(const LoginThread&) = delete;

  LoopIo& io() { return io_; }

 private:
  net::Loop loop_;
  net::UvClock clock_{loop_};
  LoopIo io_{loop_, clock_};
  std::thread thread_;
};

}  // namespace sallyport::ssh
