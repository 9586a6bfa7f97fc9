// The channels of one connection, by our numbers for them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <sallyport/account.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

#include "mux/protocol/channel.hpp"
#include "mux/protocol/channel_numbers.hpp"

namespace sallyport::mux {

/// Owns them, counts them, and charges them to the connection's account.
class ChannelTable {
 public:
  explicit ChannelTable(std::shared_ptr<Account> account) : charge_(std::move(account)) {}

  /// For a channel that is made now, and given to add().
  LocalChannel next_number(TimePoint now) { return numbers_.take(now); }
  Channel& add(std::unique_ptr<Channel> channel);
  /// Its number is free, once that has rested.
  std::unique_ptr<Channel> take_out(const Channel& channel, TimePoint now);
  /// The connection is lost: gives all of them away, one after the other.
  template <typename Take>
  void give_all_away(Take take) {
    for (auto& channel : channels_)
      if (channel != nullptr) take(std::move(channel));
    open_ = overdue_ = 0;
    charge_.set(0);
  }

  /// Null when that number has none.
  Channel* find(LocalChannel local) const {
    const std::size_t index = number(local);
    return index < channels_.size() ? channels_[index].get() : nullptr;
  }
  const ChannelNumbers& numbers() const { return numbers_; }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& channel : channels_)
      if (channel != nullptr) visit(*channel);
  }
  /// The first one for which that is so; else null.
  template <typename IsIt>
  Channel* find_if(IsIt is_it) const {
    const auto found =
        std::find_if(channels_.begin(), channels_.end(), [&is_it](const auto& one) { return one != nullptr && is_it(*one); });
    return found == channels_.end() ? nullptr : found->get();
  }

  std::size_t size() const { return open_; }
  /// Without those that look_at_endings() has found overdue.
  std::size_t in_use() const { return open_ - overdue_; }
  /// Sessions in a state for which that is so.
  template <typename Counts>
  std::size_t count_sessions(Counts counts) const {
    std::size_t count = 0;
    for_each([&](const Channel& channel) { count += channel.is_session() && counts(channel.state()) ? 1 : 0; });
    return count;
  }
  /// From now on those are overdue whose end the peer has owed for `patience`. When the next one will be.
  std::optional<TimePoint> look_at_endings(TimePoint now, Duration patience);

 private:
  std::vector<std::unique_ptr<Channel>> channels_;  // by local number
  ChannelNumbers numbers_;
  std::size_t open_ = 0;
  std::size_t overdue_ = 0;
  Charge charge_;
};

}  // namespace sallyport::mux
