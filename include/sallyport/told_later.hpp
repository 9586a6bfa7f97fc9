// What is told on a later turn of the loop, whoever's call it has come up in.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <sallyport/clock.hpp>

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
    // A function can be copied; what it tells of may not.
    const auto kept = std::make_shared<std::tuple<std::decay_t<Params>...>>(std::forward<Args>(args)...);
    waiting_.push_back([event, kept](Events& receiver) {
      std::apply([&](auto&... values) { (receiver.*event)(std::move(values)...); }, *kept);
    });
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
    const auto first = std::move(waiting_.front());
    waiting_.pop_front();
    timer_.reset();
    if (!waiting_.empty()) wait();
    first(receiver_);
  }

  Clock& clock_;
  Events& receiver_;
  std::deque<std::function<void(Events&)>> waiting_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sallyport
