// A place for objects that may still be on the stack: they are destroyed on a later turn of the loop.
#pragma once

#include <memory>
#include <vector>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

class Graveyard {
 public:
  explicit Graveyard(Clock& clock) : clock_(clock) {}

  ~Graveyard() { empty(); }
  Graveyard(const Graveyard&) = delete;
  Graveyard& operator=(const Graveyard&) = delete;

  template <typename T>
  void bury(std::unique_ptr<T> body) {
    if (body == nullptr) return;
    graves_.push_back(std::shared_ptr<void>(std::move(body)));
    if (timer_ == nullptr) timer_ = clock_.after(Duration::zero(), [this] { clear(); });
  }

  /// Destroys what is there now. None of it may be on the stack.
  void empty() {
    while (!graves_.empty()) clear();
  }

 private:
  void clear() {
    timer_.reset();
    // A destructor may bury something else, for the turn after this one.
    std::vector<std::shared_ptr<void>> bodies;
    bodies.swap(graves_);
  }

  Clock& clock_;
  std::vector<std::shared_ptr<void>> graves_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sallyport::mux
