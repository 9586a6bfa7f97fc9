// Those who wait for one thing, which is told to each of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sallyport::mux {

/// Whoever is on it takes itself off before it goes.
template <typename Waiter>
class WaitingList {
 public:
  void add(Waiter& waiter) { waiting_.push_back(&waiter); }
  void remove(const Waiter& waiter) {
    std::erase(waiting_, &waiter);
    std::erase(being_told_, &waiter);
  }
  std::size_t size() const { return waiting_.size(); }
  template <typename Predicate>
  std::size_t count(Predicate predicate) const {
    return static_cast<std::size_t>(
        std::count_if(waiting_.begin(), waiting_.end(), [&predicate](const Waiter* waiter) { return predicate(*waiter); }));
  }
  /// Takes all off the list and tells each of them, in the order in which they came. Whoever goes while others are told is not
  /// told any more, and whoever comes waits anew.
  template <typename Tell>
  void tell_all(Tell tell) {
    being_told_.assign(waiting_.rbegin(), waiting_.rend());
    waiting_.clear();
    while (!being_told_.empty()) {
      Waiter& waiter = *being_told_.back();
      being_told_.pop_back();
      tell(waiter);
    }
  }

 private:
  std::vector<Waiter*> waiting_;
  std::vector<Waiter*> being_told_;  // have waited; the first at the end
};

}  // namespace sallyport::mux
