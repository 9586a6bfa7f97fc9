// What is told on a later turn of the loop, whoever's call it has come up in.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include <sallyport/clock.hpp>
#include <sallyport/task.hpp>

namespace sallyport {

/// Tells events from the loop, in their order, one a turn, and never inside the call that they come of. Destroying it leaves out
/// those that haven't been told; an event may do that.
template <typename Events>
class ToldLater {
 public:
  /// Both outlive it, but for a receiver that destroys it.
  ToldLater(Clock& clock, Events& receiver) : clock_(clock), receiver_(receiver) {}
  ToldLater(const ToldLater&) = delete;
  ToldLater& operator=(const ToldLater&) = delete;

  /// The arguments are kept as values until then.
  template <typename... Params, typename... Args>
  void tell(void (Events::*event)(Params...), Args&&... args) {
    waiting_.emplace_back(
        [&receiver = receiver_, later = call_later(event, std::forward<Args>(args)...)]() mutable { later(receiver); });
    if (timer_ == nullptr) wait();
  }
  /// Leaves out what hasn't been told.
  void drop() {
    timer_.reset();
    waiting_.clear();
  }

 private:
  void wait() {
    timer_ = clock_.after(Duration::zero(), [this] { tell_first(); });
  }
  void tell_first() {
    Task first = std::move(waiting_.front());
    waiting_.pop_front();
    timer_.reset();
    if (!waiting_.empty()) wait();
    first();
  }

  Clock& clock_;
  Events& receiver_;
  std::deque<Task> waiting_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sallyport
