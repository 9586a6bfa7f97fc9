// One local program: its stdio, its end.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/process.hpp>
#include <sallyport/told_once.hpp>

#include "child/launch/launcher.hpp"
#include "child/process/spawn.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"

namespace sallyport::child {

/// Process over three pipes or a terminal. Made by LocalLauncher; may be destroyed at any time, also by its events.
class LocalProcess final : public Process {
 public:
  /// `on_gone` is called by the destructor if the program hasn't been started by then.
  LocalProcess(LocalLauncher& launcher, ProcessEvents& events, std::function<void()> on_gone);
  ~LocalProcess() override;

  void grant(std::size_t bytes) override;
  void write(ByteView input) override;
  void end_input() override;
  void end_output() override;
  void resize(const WindowDimensions& dimensions) override;
  bool signal(std::string_view name) override;
  bool send_break(std::uint32_t milliseconds) override;

  /// The start's outcome, from the launcher. Both end with a call of the user's events.
  void begin(Spawned spawned);
  void fail(const Error& why);

 private:
  using Poll = net::Handle<uv_poll_t, LocalProcess>;
  struct Watched {
    net::Fd fd;  // before the watcher: it must be open when that closes
    Poll poll;
    void close() {
      poll.close();
      fd.reset();
    }
  };

  // Each calls the user's events at most once, and that last: the call may destroy *this.
  static void on_input_ready(uv_poll_t* uv, int status, int events) noexcept;
  static void on_output_ready(uv_poll_t* uv, int status, int events) noexcept;
  static void on_error_ready(uv_poll_t* uv, int status, int events) noexcept;
  void exited(const ProcessEnd& end);
  void soon();
  /// One of our own mistakes: it is hung up.
  void broken(const Error& why);
  void read_from(OutputStream stream);
  void write_some();
  void stream_ended(OutputStream stream);
  void drop_input();

  bool open(Watched& watched, net::Fd fd);
  void watch();
  void call_soon();
  bool on_terminal() const { return !terminal_.empty(); }
  bool input_open() const { return static_cast<bool>(on_terminal() ? output_.fd : input_.fd) && !exited_; }

  LocalLauncher& launcher_;
  ToldOnce<ProcessEvents> events_;
  std::function<void()> on_gone_;  // set until the start's outcome is known
  Child* child_ = nullptr;         // set while the program runs
  bool exited_ = false;
  Watched input_;   // unused with a terminal
  Watched output_;  // with a terminal, its master: for both directions
  Watched error_;   // unused with a terminal
  std::string terminal_;
  std::optional<LoginRecord> record_;
  std::size_t credit_ = 0;
  std::string queue_;                     // input on its way
  std::size_t written_ = 0;               // of queue_'s front
  std::size_t dropped_ = 0;               // input that nobody will read, still to be reported as taken
  bool input_ended_ = false;              // by the caller
  bool input_closed_ = false;             // by the program, still to be told
  bool output_unwanted_ = false;          // by the caller; closed on the next turn
  std::optional<WindowDimensions> size_;  // asked for before the start
  std::vector<int> signals_;              // likewise
  std::unique_ptr<Timer> soon_;           // something is to be told on the next turn
};

}  // namespace sallyport::child
