// One libuv loop, and what every user of a loop needs of it.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>
#include <sallyport/task.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/guard.hpp"

namespace sallyport::net {

/// A call that runs in libuv's thread pool. Destroying it means that nobody waits for the result any more: its
/// `then` will not be called; `in_thread` is taken out of the queue or, when it has begun, runs to its end.
class Work {
 public:
  virtual ~Work() = default;
};

/// Owns a loop. Everything but post() belongs to the thread that runs it.
class Loop {
 public:
  Loop();
  /// Everything that uses the loop must have gone before, see close().
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* uv() { return &uv_; }

  /// Called, on the loop's thread, with each exception that a guard has stopped (net/loop/guard.hpp); without it they are written
  /// to standard error. Before the loop runs.
  void on_exception(std::function<void(const Error& why)> report) { report_ = std::move(report); }

  /// Runs until stop(), even when there is nothing to wait for.
  void run();
  /// Makes run() return after this turn.
  void stop();
  /// One turn: waits for something to happen if nothing is due.
  void run_once();
  /// Runs until nothing is left to wait for: no active handle, no request.
  void run_dry();
  /// The time at which this turn began; the same clock as std::chrono::steady_clock.
  TimePoint now() const;

  /// Destroys `object` on a later turn, when none of its functions can be on the stack.
  template <typename T>
  void retire(std::unique_ptr<T> object) {
    if (object) retire_cell(std::make_unique<CellOf<T>>(std::move(object)));
  }

  /// Frees all that was retired now, with nothing of it on the stack: before what it refers to goes.
  void free_all_retired();

  /// Runs `task` on a later turn of the loop. The only function that other threads may call; they must have returned from it
  /// before the loop goes. Tasks that the loop no longer gets to before close() are destroyed, not run.
  void post(Task task);

  /// Runs `in_thread` in the thread pool, then `then` on the loop, also when `in_thread` has thrown: what it was to find out must
  /// be a failure from the beginning. `in_thread` must own what it touches, since it may outlive its asker; `then` may destroy
  /// the returned Work.
  [[nodiscard]] std::unique_ptr<Work> work(std::function<void()> in_thread, std::function<void()> then);

  /// Ends the loop: frees what was retired, lets closing handles and cancelled requests finish, closes. Fails when a
  /// handle is still open, and names it: that is a bug of its owner's. Idempotent.
  Result<> close();

 private:
  struct Cell {
    virtual ~Cell() = default;
  };
  template <typename T>
  struct CellOf final : Cell {
    explicit CellOf(std::unique_ptr<T> object) : object_(std::move(object)) {}
    std::unique_ptr<T> object_;
  };

  friend Error report_exception(uv_loop_t* loop, std::string_view what) noexcept;

  void retire_cell(std::unique_ptr<Cell> cell);
  void free_retired();
  void run_posted();

  uv_loop_t uv_{};
  uv_idle_t idle_{};  // active while something waits to be freed, so that the loop doesn't sleep over it
  // Wakes the loop for post(). Not a uv_async_t: a loop that wakes up on another core before the sender's system call has
  // returned spins until it has (libuv 1.44), which is some microseconds of CPU each time.
  Fd wake_fd_;
  uv_poll_t wake_{};  // unreferenced but during run()
  bool open_ = true;
  std::function<void(const Error&)> report_;
  std::vector<std::unique_ptr<Cell>> retired_;
  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

/// Ends the threads on which work() is done, and waits for them: what libraries keep for each thread, random numbers to come
/// among it, is wiped and freed with it. Once, at the end of the process, when no loop is left.
void end_work_threads();

}  // namespace sallyport::net
