// A program whose standard input and output are a socket: what a proxy command is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <sallyport/process.hpp>
#include <sallyport/result.hpp>
#include <sallyport/told_once.hpp>

#include "child/launch/launcher.hpp"
#include "child/process/spawn.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"

namespace sallyport::child {

/// What a socket process tells its user; from the loop, never inside a call of the process's, which may be destroyed in each.
class SocketProcessEvents {
 public:
  virtual ~SocketProcessEvents() = default;
  /// It runs. `socket` is our end: connected, non-blocking, close-on-exec. on_failed comes in its place.
  virtual void on_started(net::Fd socket) = 0;
  /// Nothing follows.
  virtual void on_failed(const Error& why) = 0;
  /// A line of its standard error, without its end; what is longer than kMaxLine comes in pieces.
  virtual void on_error_line(std::string_view line) = 0;
  /// It has ended. Lines that others hold back may still follow.
  virtual void on_exit(const ProcessEnd& end) = 0;
};

/// Made by LocalLauncher. Destroying it hangs the program up (SIGHUP, then SIGKILL after the launcher's grace time); it is
/// always reaped.
class SocketProcess final {
 public:
  static constexpr std::size_t kMaxLine = 512;

  /// `on_gone` is called by the destructor if the program hasn't been started by then.
  SocketProcess(LocalLauncher& launcher, SocketProcessEvents& events, std::function<void()> on_gone);
  ~SocketProcess();
  SocketProcess(const SocketProcess&) = delete;
  SocketProcess& operator=(const SocketProcess&) = delete;

  /// The start's outcome, from the launcher. Ends with a call of the user's events.
  void begin(Result<Spawned>& outcome);

 private:
  using Poll = net::Handle<uv_poll_t, SocketProcess>;

  static void on_error_ready(uv_poll_t* uv, int status, int events) noexcept;
  void read_errors();
  /// One of our own mistakes: it is hung up.
  void broken(const Error& why);
  void exited(const ProcessEnd& end);
  /// Cuts what has come into lines. False when *this has gone meanwhile.
  bool tell_lines();
  void close_errors();

  LocalLauncher& launcher_;
  ToldOnce<SocketProcessEvents> events_;
  std::function<void()> on_gone_;  // set until the start's outcome is known
  Child* child_ = nullptr;         // set while the program runs
  net::Fd error_;                  // before the watcher: it must be open when that closes
  Poll error_poll_;
  std::string line_;           // what has come of a line
  bool* destroyed_ = nullptr;  // set while events are being told
};

}  // namespace sallyport::child
