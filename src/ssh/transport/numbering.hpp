// Numbers for what one thread asks another.
#pragma once

#include <cstdint>
#include <utility>

namespace sallyport::ssh {

/// Ties an answer to the request that it was given to: what is asked and what is answered cross on their way between two
/// threads, and an answer that comes late must not be taken for one to the next request. Each half belongs to its thread.
class Numbering {
 public:
  using Number = std::uint64_t;

  // Of the thread that asks

  /// A new request, which takes the place of the one before.
  Number ask() { return ++asked_; }
  /// Whether an answer with that number is one to the last request.
  bool is_answered_by(Number answer) const { return answer != 0 && answer == asked_; }

  // Of the thread that answers

  void hear(Number request) { heard_ = request; }
  /// The number for an answer to the request that was heard last. Each is answered once: 0, which answers nothing, the next time.
  Number answer() { return std::exchange(heard_, 0); }

 private:
  Number asked_ = 0;
  Number heard_ = 0;
};

}  // namespace sallyport::ssh
