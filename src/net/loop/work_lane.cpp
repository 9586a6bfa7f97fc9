#include "net/loop/work_lane.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <utility>

namespace sallyport::net {

class WorkLane::State : public std::enable_shared_from_this<State> {
 public:
  struct Job {
    std::string user;
    std::function<void()> in_thread;
    std::function<void()> then;  // null: nobody waits for it any more
    std::unique_ptr<Work> running;
    bool* done = nullptr;  // the ticket's
  };
  using Jobs = std::list<Job>;

  State(Loop& loop, std::size_t width) : loop_(loop), width_(width) {}

  Jobs::iterator add(Job job) {
    Jobs& line = users_[job.user].waiting;
    line.push_back(std::move(job));
    const auto added = std::prev(line.end());
    begin_next();
    return added;
  }

  /// Nobody waits for it any more.
  void leave(Jobs::iterator job) {
    if (job->running == nullptr) {
      const auto user = users_.find(job->user);
      user->second.waiting.erase(job);
      drop_if_gone(user);
    } else {
      job->then = nullptr;
      job->done = nullptr;
    }
  }

  void close() {
    for (auto& [name, user] : users_) close(user.waiting);
    users_.clear();
    close(running_);
  }

 private:
  struct User {
    Jobs waiting;
    std::size_t running = 0;
  };
  using Users = std::map<std::string, User>;

  static void close(Jobs& jobs) {
    for (Job& job : jobs)
      if (job.done != nullptr) *job.done = true;
    jobs.clear();
  }

  void drop_if_gone(Users::iterator user) {
    if (user->second.waiting.empty() && user->second.running == 0) users_.erase(user);
  }

  /// The next one in turn who may have one more.
  Users::iterator next_user() {
    const auto can_begin = [this](const auto& entry) {
      const std::size_t share = entry.first.empty() ? width_ : std::max<std::size_t>(width_ / 2, 1);
      return !entry.second.waiting.empty() && entry.second.running < share;
    };
    const auto next = std::find_if(users_.upper_bound(last_), users_.end(), can_begin);
    return next != users_.end() ? next : std::find_if(users_.begin(), users_.end(), can_begin);
  }

  void begin_next() {
    while (running_.size() < width_) {
      const auto user = next_user();
      if (user == users_.end()) return;
      last_ = user->first;
      ++user->second.running;
      running_.splice(running_.end(), user->second.waiting, user->second.waiting.begin());
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
    const auto user = users_.find(job->user);
    --user->second.running;
    drop_if_gone(user);
    running_.erase(job);
    begin_next();
    if (then) then();
  }

  Loop& loop_;
  const std::size_t width_;
  Users users_;
  std::string last_;  // whose turn it was
  Jobs running_;
};

class WorkLane::Ticket final : public Work {
 public:
  Ticket(std::shared_ptr<State> state, std::function<void()> in_thread, std::function<void()> then, const std::string& user)
      : state_(std::move(state)), job_(state_->add({user, std::move(in_thread), std::move(then), nullptr, &done_})) {}
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

std::unique_ptr<Work> WorkLane::work(std::function<void()> in_thread, std::function<void()> then, const std::string& user) {
  return std::make_unique<Ticket>(state_, std::move(in_thread), std::move(then), user);
}

}  // namespace sallyport::net
