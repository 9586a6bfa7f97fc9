#include "ssh/transport/exchange_desk.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

/// The thread's own time: on a busy machine the rest that follows is no longer for it.
std::chrono::nanoseconds cpu_time() {
  timespec time{};
  static_cast<void>(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time));
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void work_off(ExchangeTask& task) noexcept {
  const auto began = cpu_time();
  spssh_work_off(task.session.get());
  task.spent = std::chrono::duration_cast<std::chrono::microseconds>(cpu_time() - began);
}

}  // namespace

void ExchangeDesk::queue(std::shared_ptr<ExchangeTask> task) {
  counter_->waiting.push_back(std::move(task));
  counter_->serve();
}

// One session is away at a time: logins have the other thread in between. Users take turns, not connections.
std::shared_ptr<ExchangeTask> ExchangeDesk::Counter::next() {
  std::erase_if(waiting, [](const auto& task) { return task->owner == nullptr; });
  if (waiting.empty()) return nullptr;
  auto chosen = std::find_if(waiting.begin(), waiting.end(), [this](const auto& task) { return task->user != last; });
  if (chosen == waiting.end()) chosen = waiting.begin();
  auto task = std::move(*chosen);
  waiting.erase(chosen);
  last = task->user;
  return task;
}

void ExchangeDesk::Counter::serve() {
  if (busy || closed) return;
  auto task = next();
  if (task == nullptr) return;
  busy = true;
  task->owner->give(*task);
  away.post([self = shared_from_this(), task = std::move(task)] {
    work_off(*task);
    self->home.post([self, task] {
      self->busy = false;
      if (task->owner != nullptr) task->owner->take_back(*task);
      task->session.reset();  // unless it has been taken back
      self->serve();
    });
  });
}

}  // namespace sallyport::ssh
