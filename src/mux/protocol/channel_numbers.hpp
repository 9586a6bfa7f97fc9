// Our numbers for the channels of one connection (RFC 4254, section 5.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::mux {

/// Gives out the lowest number that is free. One that has been used rests before it is free again.
class ChannelNumbers {
 public:
  /// A number rests for this long when its channel has been closed both ways. Clients with threads (paramiko) decide to
  /// send EOF, data or an adjust in one while another sends CLOSE: what comes late is swallowed, and meets no other
  /// channel.
  static constexpr Duration kRest = std::chrono::seconds(1);
  /// But no more than so many rest: from a peer that opens and closes faster, the oldest is taken.
  static constexpr std::size_t kMostResting = 4096;

  LocalChannel take(TimePoint now);
  /// One that was taken isn't used any more.
  void give_back(LocalChannel taken, TimePoint now);
  bool is_resting(LocalChannel local, TimePoint now) const {
    return number(local) < rests_until_.size() && now < rests_until_[number(local)];
  }
  /// It has been taken once: a message for it may be late.
  bool has_been_taken(LocalChannel local) const { return number(local) < rests_until_.size(); }

 private:
  std::vector<TimePoint> rests_until_;  // of each number that was ever taken
  std::vector<std::uint32_t> resting_;  // in the order in which their rest ends …
  std::size_t next_rested_ = 0;         // … from here on
  std::vector<std::uint32_t> free_;     // a heap: numbers that have rested
};

}  // namespace sallyport::mux
