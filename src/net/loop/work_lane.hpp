// A part of the thread pool, for work that strangers can ask for.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "net/loop/loop.hpp"

namespace sallyport::net {

/// As Loop::work(), with a bound on how many calls of one kind run at a time: the others wait here, and the rest of the pool is
/// free for everybody else. Of the places a user has half at the most, and users take turns: what is slow for one of them keeps
/// nobody else waiting.
class WorkLane {
 public:
  WorkLane(Loop& loop, std::size_t width);
  /// What has not begun never does.
  ~WorkLane();
  WorkLane(const WorkLane&) = delete;
  WorkLane& operator=(const WorkLane&) = delete;

  /// As Loop::work(). A call that has begun takes its place up to its end, whether anybody waits for it or not. `user` is whom
  /// it is for; empty: nobody who is known, for whom there is no share.
  [[nodiscard]] std::unique_ptr<Work> work(std::function<void()> in_thread, std::function<void()> then,
                                           const std::string& user = {});

 private:
  class State;
  class Ticket;
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::net
