#include "child/process/reaper.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

namespace sallyport::child {
namespace {

/// Between two processes that send signals to one program: a client that sends them all the time is to cost little.
constexpr Duration kPause{10};

}  // namespace

struct Child::Sending {
  std::mutex mutex;   // held while they are being sent
  bool over = false;  // the child is no longer ours
  std::vector<int> numbers;
};

Child::Child(Reaper& reaper, pid_t pid, net::Fd pidfd, std::optional<Owner> owner, std::function<void(const ProcessEnd&)> on_exit)
    : reaper_(reaper), pid_(pid), owner_(owner), on_exit_(std::move(on_exit)), pidfd_(std::move(pidfd)) {}

void Child::signal(int number) {
  if (!owner_) {
    static_cast<void>(signal_group(pid_, owner_, {number}));
    return;
  }
  if (std::find(waiting_.begin(), waiting_.end(), number) == waiting_.end()) waiting_.push_back(number);
  send_waiting();
}

void Child::send_waiting() {
  if (sending_ != nullptr || pause_ != nullptr || waiting_.empty()) return;
  sending_job_ = std::make_shared<Sending>();
  sending_job_->numbers = std::exchange(waiting_, {});
  sending_ = reaper_.lane_.work(
      [job = sending_job_, pid = pid_, owner = owner_] {
        const std::lock_guard lock(job->mutex);
        // What the owner may not signal he can't end by way of us either.
        if (!job->over) static_cast<void>(signal_group(pid, owner, job->numbers));
      },
      [this] {
        sending_.reset();
        sending_job_.reset();
        pause_ = reaper_.clock_.after(kPause, [this] {
          pause_.reset();
          send_waiting();
        });
        if (!std::exchange(ended_, false) || try_reap() || !poll_) return;
        static_cast<void>(uv_poll_start(poll_.get(), UV_READABLE, on_ready));  // can't fail for a handle that is open
      },
      owner_->client);
}

void Child::abandon() {
  on_exit_ = nullptr;
  signal(SIGHUP);
  signal(SIGCONT);  // a stopped process would never see it
  grace_ = reaper_.clock_.after(reaper_.grace_, [this] { signal(SIGKILL); });
}

bool Child::watch_pidfd() {
  if (!pidfd_ || !poll_.open(*this, uv_poll_init, reaper_.loop_.uv(), pidfd_.get())) return false;
  return uv_poll_start(poll_.get(), UV_READABLE, on_ready) == 0;
}

void Child::on_ready(uv_poll_t* uv, int, int) noexcept {
  Poll::call(uv, [](Child& self) { static_cast<void>(self.try_reap()); });  // before it tells, it has gone
}

bool Child::try_reap() {
  if (sending_ != nullptr) {  // to a number that would be free for others then
    ended_ = true;
    if (poll_) static_cast<void>(uv_poll_stop(poll_.get()));
    return false;
  }
  int status = 0;
  const pid_t reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return false;
  ProcessEnd end;
  if (reaped > 0) {
    end = end_from_status(status);
  } else {
    end.status = 255;  // somebody else has reaped it, which nobody in this process does
  }
  const auto on_exit = std::move(on_exit_);
  // The number may be used again from now on.
  reaper_.children_.erase(pid_);
  if (on_exit) on_exit(end);
  return true;
}

Reaper::~Reaper() {
  for (const auto& [pid, child] : children_) {
    if (child->sending_job_ != nullptr) {
      const std::lock_guard lock(child->sending_job_->mutex);
      child->sending_job_->over = true;
    }
    if (!signal_group(pid, child->owner_, {SIGHUP, SIGCONT, SIGKILL})) continue;
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

Child& Reaper::adopt(pid_t pid, net::Fd pidfd, std::optional<Owner> owner, std::function<void(const ProcessEnd&)> on_exit) {
  auto owned = std::make_unique<Child>(*this, pid, std::move(pidfd), owner, std::move(on_exit));
  Child& child = *owned;
  children_.emplace(pid, std::move(owned));
  if (!use_pidfd_ || !child.watch_pidfd()) {
    child.poll_.close();
    child.pidfd_.reset();
    watch_sigchld();
  }
  return child;
}

void Reaper::watch_sigchld() {
  if (!sigchld_) {
    if (auto watcher = net::SignalWatcher::open(loop_, SIGCHLD, [this] { look_at_all(); })) sigchld_ = std::move(*watcher);
  }
  // Its signal may have come before the watcher did.
  first_look_ = clock_.after(Duration{0}, [this] { look_at_all(); });
}

void Reaper::look_at_all() {
  std::vector<pid_t> pids;  // reaping changes the map, and so may what on_exit does
  for (const auto& [pid, child] : children_) {
    if (!child->poll_) pids.push_back(pid);
  }
  for (const pid_t pid : pids) {
    if (const auto found = children_.find(pid); found != children_.end()) static_cast<void>(found->second->try_reap());
  }
}

}  // namespace sallyport::child
