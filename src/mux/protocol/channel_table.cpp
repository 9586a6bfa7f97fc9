#include "mux/protocol/channel_table.hpp"

#include <cassert>

namespace sallyport::mux {

Channel& ChannelTable::add(std::unique_ptr<Channel> channel) {
  const std::size_t index = number(channel->local());
  if (index >= channels_.size()) channels_.resize(index + 1);
  assert(channels_[index] == nullptr);
  channels_[index] = std::move(channel);
  ++open_;
  charge_.add(Channel::kCost);
  return *channels_[index];
}

std::unique_ptr<Channel> ChannelTable::take_out(const Channel& channel, TimePoint now) {
  std::unique_ptr<Channel> taken = std::move(channels_[number(channel.local())]);
  if (channel.overdue_) --overdue_;
  numbers_.give_back(channel.local(), now);
  --open_;
  charge_.subtract(Channel::kCost);
  return taken;
}

std::optional<TimePoint> ChannelTable::look_at_endings(TimePoint now, Duration patience) {
  std::optional<TimePoint> next;
  for_each([&](Channel& channel) {
    if (!is_owed_an_end(channel.state()) || channel.overdue_) return;
    const TimePoint due = channel.ending_since_ + patience;
    channel.overdue_ = due <= now;
    if (channel.overdue_) {
      ++overdue_;
    } else {
      next = std::min(next.value_or(due), due);
    }
  });
  return next;
}

}  // namespace sallyport::mux
