// Waits for children: all of them, also those that nobody asks about any more.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/process.hpp>

#include "child/process/signals.hpp"
#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/signal.hpp"
#include "net/loop/uv_clock.hpp"
#include "net/loop/work_lane.hpp"

namespace sallyport::child {

class Reaper;

/// One child that has not been reaped yet. Owned by its Reaper.
class Child {
 public:
  Child(Reaper& reaper, pid_t pid, net::Fd pidfd, std::optional<Owner> owner, std::function<void(const ProcessEnd&)> on_exit);

  pid_t pid() const { return pid_; }
  /// To the process group, with the owner's rights (see signal_group()). Safe, since the number can't be used again before the
  /// child has been reaped. Of signals that wait to be sent there is one of each, as in the kernel.
  void signal(int number);
  /// Nobody waits for it any more: SIGHUP and SIGCONT to the group now, SIGKILL if it is still there after the grace
  /// time. As with sshd, members of the group that ignored the hang-up outlive a leader that did not, and so does a leader that
  /// has become somebody else.
  void abandon();

 private:
  friend class Reaper;
  using Poll = net::Handle<uv_poll_t, Child>;
  /// Signals on their way through the thread pool.
  struct Sending;

  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  bool watch_pidfd();
  /// True when it has ended; then *this has gone.
  bool try_reap();
  void send_waiting();

  Reaper& reaper_;
  const pid_t pid_;
  const std::optional<Owner> owner_;
  std::function<void(const ProcessEnd&)> on_exit_;
  std::unique_ptr<Timer> grace_;
  std::vector<int> waiting_;              // signals
  std::shared_ptr<Sending> sending_job_;  // those that are being sent: it isn't reaped meanwhile
  std::unique_ptr<net::Work> sending_;
  std::unique_ptr<Timer> pause_;  // until others may be sent
  bool ended_ = false;            // while they were
  net::Fd pidfd_;                 // before the watcher: it must be open when that closes
  Poll poll_;
};

/// Owns the children. Each is watched by a pidfd, so that one more child costs the others nothing; where the kernel
/// has none, by SIGCHLD and a look at each that is watched this way.
class Reaper {
 public:
  Reaper(net::Loop& loop, Duration grace, bool use_pidfd)
      : loop_(loop), clock_(loop), lane_(loop, kSendings), grace_(grace), use_pidfd_(use_pidfd) {}
  /// Hangs up and kills what is left, and waits for it: no zombie stays. What isn't ours or its owner's to kill goes on without
  /// us.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// `owner` is set when its signals are sent with another account's rights. `on_exit` is called once, from the loop, unless the
  /// child is abandoned before; the Child has gone by then.
  Child& adopt(pid_t pid, net::Fd pidfd, std::optional<Owner> owner, std::function<void(const ProcessEnd&)> on_exit);
  std::size_t size() const { return children_.size(); }
  Clock& clock() { return clock_; }

 private:
  friend class Child;
  /// To so many programs signals are being sent at a time, half of them one user's; the others' wait.
  static constexpr std::size_t kSendings = 4;

  void watch_sigchld();
  void look_at_all();

  net::Loop& loop_;
  net::UvClock clock_;
  net::WorkLane lane_;
  const Duration grace_;
  const bool use_pidfd_;
  std::unordered_map<pid_t, std::unique_ptr<Child>> children_;
  std::unique_ptr<net::SignalWatcher> sigchld_;
  std::unique_ptr<Timer> first_look_;
};

}  // namespace sallyport::child
