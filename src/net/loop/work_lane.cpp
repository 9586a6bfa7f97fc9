#include "net/loop/work_lane.hpp"

#include <list>
#include <utility>

namespace sallyport::net {

class WorkLane::State : public std::enable_shared_from_this<State> {
 public:
  struct Job {
    std::function<void()> in_thread;
    std::function<void()> then;  // null: nobody waits for it any more
    std::unique_ptr<Work> running;
    bool* done = nullptr;  // the ticket's
  };
  using Jobs = std::list<Job>;

  State(Loop& loop, std::size_t width) : loop_(loop), width_(width) {}

  Jobs::iterator add(Job job) {
    waiting_.push_back(std::move(job));
    const auto added = std::prev(waiting_.end());
    begin_next();
    return added;
  }

  /// Nobody waits for it any more.
  void leave(Jobs::iterator job) {
    if (job->running == nullptr) {
      waiting_.erase(job);
    } else {
      job->then = nullptr;
      job->done = nullptr;
    }
  }

  void close() {
    for (Jobs* jobs : {&waiting_, &running_}) {
      for (Job& job : *jobs)
        if (job.done != nullptr) *job.done = true;
      jobs->clear();
    }
  }

 private:
  void begin_next() {
    while (running_.size() < width_ && !waiting_.empty()) {
      running_.splice(running_.end(), waiting_, waiting_.begin());
      const auto job = std::prev(running_.end());
      job->running = loop_.work(std::move(job->in_thread), [self = weak_from_this(), job] {
        if (const auto alive = self.lock()) alive->finish(job);
      });
    }
  }

  void finish(Jobs::iterator job) {
    const auto then = std::move(job->then);
    if (job->done != nullptr) *job->done = true;
    // This runs inside the call that the job's Work owns.
    const auto work = std::move(job->running);
    running_.erase(job);
    begin_next();
    if (then) then();
  }

  Loop& loop_;
  const std::size_t width_;
  Jobs waiting_;
  Jobs running_;
};

class WorkLane::Ticket final : public Work {
 public:
  Ticket(std::shared_ptr<State> state, std::function<void()> in_thread, std::function<void()> then)
      : state_(std::move(state)), job_(state_->add({std::move(in_thread), std::move(then), nullptr, &done_})) {}
  ~Ticket() override {
    if (!done_) state_->leave(job_);
  }

 private:
  std::shared_ptr<State> state_;
  bool done_ = false;
  State::Jobs::iterator job_;
};

WorkLane::WorkLane(Loop& loop, std::size_t width) : state_(std::make_shared<State>(loop, width)) {}
WorkLane::~WorkLane() { state_->close(); }

std::unique_ptr<Work> WorkLane::work(std::function<void()> in_thread, std::function<void()> then) {
  return std::make_unique<Ticket>(state_, std::move(in_thread), std::move(then));
}

}  // namespace sallyport::net
