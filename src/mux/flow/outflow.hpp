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
/// the peer hasn't given back beyond its habit, which stands in its socket, unread. The second is evidence that may be wrong: whoever stops
/// for it looks again by is_silent(), which then corrects the habit.
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

  /// How much more may be sent. `held` waits here, `acknowledged` is the transport's.
  std::uint32_t room(const RoomLimits& limits, std::uint32_t held, std::uint64_t acknowledged) {
    const auto rest = [](std::uint64_t of, std::uint64_t taken) { return of - std::min(of, taken); };
    const std::uint64_t on_the_way = transit_.bytes(acknowledged) + held;
    const std::uint64_t unread = rest(unconsumed_, on_the_way + habit_.bytes());
    return static_cast<std::uint32_t>(std::min(rest(limits.unread, unread), rest(limits.on_the_way, on_the_way)));
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
  AdjustHabit habit_;
  Transit transit_;
  std::uint64_t unconsumed_ = 0;          // sent or held, less what the peer's adjusts have given back
  std::optional<TimePoint> quiet_since_;  // all of it has arrived, and nothing has come since
};

}  // namespace sallyport::mux
