// Which channels of one connection wait for its transport to drain, and who of them sends next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <sallyport/ids.hpp>

namespace sallyport::mux {

class DrainOrder {
 public:
  bool empty() const { return waiting_.empty(); }
  /// The channel, which doesn't wait yet, waits behind all others.
  void add(LocalChannel channel) { waiting_.push_back(channel); }

  /// Those that `is_short` go first, in their order; then the others send in turn, one message each, for as long as `has_room`.
  /// `send` sends a channel's next message, and says whether it has another one: if so it waits on, else it is out. What is added
  /// meanwhile waits behind those who have waited before.
  template <typename IsShort, typename HasRoom, typename SendNext>
  void drain(IsShort is_short, HasRoom has_room, SendNext send) {
    std::vector<LocalChannel> turn;
    turn.swap(waiting_);
    std::stable_partition(turn.begin(), turn.end(), is_short);
    std::size_t next = 0;
    for (; next < turn.size() && has_room(); ++next) {
      const LocalChannel channel = turn[next];
      if (send(channel)) turn.push_back(channel);
    }
    turn.erase(turn.begin(), turn.begin() + static_cast<std::ptrdiff_t>(next));
    turn.insert(turn.end(), waiting_.begin(), waiting_.end());
    waiting_ = std::move(turn);
  }

 private:
  std::vector<LocalChannel> waiting_;
};

}  // namespace sallyport::mux
