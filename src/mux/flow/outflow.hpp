// What one channel has sent and its peer has not consumed, as far as can be told.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <sallyport/clock.hpp>

#include "mux/flow/adjust_habit.hpp"
#include "mux/flow/room_limits.hpp"
#include "mux/flow/transit.hpp"

namespace sallyport::mux {

/// Two things are known: what TCP has not acknowledged (Transit), which is certain and needs no word of the peer; and what
/// the peer hasn't given back beyond its habit, which stands in its socket, unread. The second is evidence that may be wrong:
/// whoever stops for it looks again by is_silent(), which then corrects the habit.
class Outflow {
 public:
  /// No answer is expected sooner, however near the peer is.
  static constexpr Duration kShortestSilence{2};

  explicit Outflow(const AdjustHabit& habit) : habit_(habit) {}

  const AdjustHabit& habit() const { return habit_; }
  void opened(std::uint32_t window) { habit_.opened(window); }
  /// So much has been sent, or is held until it can be.
  void count(std::size_t size) {
    unconsumed_ += size;
    quiet_since_.reset();
  }
  /// So much has been given to the transport; see Transit::add().
  void pass(std::uint64_t mark, std::size_t size) { transit_.add(mark, size); }
  /// The peer has adjusted its window. It may also just enlarge it: what it gives back is what it has consumed.
  void gave_back(std::uint32_t bytes) {
    const std::uint64_t given = std::min<std::uint64_t>(bytes, unconsumed_);
    unconsumed_ -= given;
    quiet_since_.reset();
    if (given > 0) habit_.gave_back(given);
  }

  /// How much more may be sent into that `window`. `held` waits here, `acknowledged` is the transport's.
  std::uint32_t room(const RoomLimits& limits, std::uint32_t window, std::uint32_t held, std::uint64_t acknowledged) {
    const std::uint64_t on_the_way = transit_.bytes(acknowledged) + held;
    return room_beside(on_the_way, rest(unconsumed_, on_the_way), limits, window);
  }
  /// Never more than room() when `acknowledged` is what the transport has said before: all of it may have arrived since.
  std::uint32_t certain_room(const RoomLimits& limits, std::uint32_t window, std::uint32_t held, std::uint64_t acknowledged) {
    return room_beside(transit_.bytes(acknowledged) + held, unconsumed_, limits, window);
  }

  /// Looks whether the peer keeps silent though all that was sent has been with it for a `round_trip`, and takes that for its
  /// habit then. Called again and again while there is no room.
  bool is_silent(std::uint64_t acknowledged, std::uint32_t held, TimePoint now, std::chrono::microseconds round_trip) {
    if (held > 0 || unconsumed_ <= habit_.bytes() || transit_.bytes(acknowledged) > 0) {
      quiet_since_.reset();
      return false;
    }
    if (!quiet_since_) quiet_since_ = now;
    if (now - *quiet_since_ < std::max(std::chrono::ceil<Duration>(round_trip), kShortestSilence)) return false;
    habit_.silent(unconsumed_);
    quiet_since_.reset();
    return true;
  }

 private:
  /// A peer that leaves no more of its window than this bounds by itself what it has unread. It may have made its window smaller,
  /// and never gives back by how much, as another Sallyport does when a channel gets company.
  static constexpr std::uint32_t kSmallWindow = 4 * AdjustHabit::kUsual;

  static std::uint64_t rest(std::uint64_t of, std::uint64_t taken) { return of - std::min(of, taken); }
  /// `arrived` has reached the peer, which hasn't given it back.
  std::uint32_t room_beside(std::uint64_t on_the_way, std::uint64_t arrived, const RoomLimits& limits,
                            std::uint32_t window) const {
    const bool bounds_itself = window <= std::max(limits.unread, kSmallWindow);
    const std::uint64_t unread = bounds_itself ? 0 : rest(arrived, habit_.bytes());
    return static_cast<std::uint32_t>(std::min(rest(limits.unread, unread), rest(limits.on_the_way, on_the_way)));
  }

  AdjustHabit habit_;
  Transit transit_;
  std::uint64_t unconsumed_ = 0;          // sent or held, less what the peer's adjusts have given back
  std::optional<TimePoint> quiet_since_;  // all of it has arrived, and nothing has come since
};

}  // namespace sallyport::mux
