#include "mux/protocol/channel_numbers.hpp"

#include <algorithm>
#include <functional>

namespace sallyport::mux {

LocalChannel ChannelNumbers::take(TimePoint now) {
  while (next_rested_ < resting_.size() &&
         (!is_resting(LocalChannel{resting_[next_rested_]}, now) || resting_.size() - next_rested_ > kMostResting)) {
    rests_until_[resting_[next_rested_]] = TimePoint::min();
    free_.push_back(resting_[next_rested_++]);
    std::push_heap(free_.begin(), free_.end(), std::greater<>());
  }
  if (next_rested_ > resting_.size() / 2) {
    resting_.erase(resting_.begin(), resting_.begin() + static_cast<std::ptrdiff_t>(next_rested_));
    next_rested_ = 0;
  }
  if (free_.empty()) {
    rests_until_.push_back(TimePoint::min());
    return LocalChannel{static_cast<std::uint32_t>(rests_until_.size() - 1)};
  }
  std::pop_heap(free_.begin(), free_.end(), std::greater<>());
  const LocalChannel lowest{free_.back()};
  free_.pop_back();
  return lowest;
}

void ChannelNumbers::give_back(LocalChannel taken, TimePoint now) {
  rests_until_[number(taken)] = now + kRest;
  resting_.push_back(number(taken));
}

}  // namespace sallyport::mux
