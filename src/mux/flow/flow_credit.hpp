// How far one direction of a relay may run ahead of what its receiver has consumed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sallyport/clock.hpp>

#include "mux/flow/answer_time.hpp"

namespace sallyport::mux {

/// What is under way stands in front of a neighbour's keystroke somewhere: in a socket, in a router's queue. With too little
/// of it, a transfer over a long line waits for window adjusts. So the credit follows the bandwidth-delay product.
/// A round is the time in which one credit's worth of data came, which gives the rate; the round trip is the smallest
/// that the transport has seen, which no queue has lengthened. A round that took no longer was limited by the credit, and
/// the next one gets more; over a slow line the credit falls to the floor, however much the queues there would take.
/// There are two of it, since a channel may have its one connection to itself and company on the other.
///
/// A sender that rests though it might send isn't limited by us, and may have a longer way behind it than we know of: it is
/// another bastion, say, whose client is far away. Alone it gets what its bursts need, up to kFirstAlone.
class FlowCredit {
 public:
  /// Enough for people, for most programs, and for some megabytes a second on a local network.
  static constexpr std::uint32_t kFloorAlone = 128 * 1024;
  /// The floor in company, over a line that isn't known to be fast …
  static constexpr std::uint32_t kFloorInCompany = 16 * 1024;
  /// … and over one that is: a message of the full size, and as much again while that one is on its way, since many small ones
  /// keep the programs at both ends busy.
  static constexpr std::uint32_t kFullMessage = 32 * 1024;
  static constexpr std::uint32_t kFloorInFastCompany = 2 * kFullMessage;
  /// What a channel begins with over a long line, at the most: as much as OpenSSH lets each of its own have under way.
  static constexpr std::uint32_t kFirstAlone = 2 * 1024 * 1024;

  /// What a round went over, both connections taken together.
  struct Line {
    std::chrono::microseconds round_trip{0};           ///< 0: not known
    std::uint32_t floor_in_company = kFloorInCompany;  ///< see floor_of()
  };

  explicit FlowCredit(TimePoint now) : round_began_(now), latest_(now) {}
  /// How little a channel may have in company where the connection moves so many bytes in a millisecond: what passes so fast
  /// is hardly felt.
  static std::uint32_t floor_of(std::uint64_t bytes_in_a_millisecond);

  /// Before the first round: a line of that length is taken for a fast one, until the rounds tell.
  void begin(TimePoint now, std::chrono::microseconds round_trip);

  /// `count` bytes have come of a sender that may have `allowed` under way, of which `left` are still granted. True when that
  /// ends a round: then adapt() is due.
  bool count(std::size_t count, std::uint32_t allowed, std::uint32_t left, TimePoint now) {
    if (left + count >= allowed / 4 * 3) rested_ += now - latest_;
    latest_ = now;
    round_bytes_ += count;
    allowed_ = allowed;
    return round_bytes_ >= allowed && now - round_began_ >= kShortestRound;
  }
  /// `left` bytes were still granted when the sender was granted more.
  void granted(std::uint32_t left, const Clock& clock) { answer_time_.granted(left, floor_, clock); }
  /// That many bytes have come; before count().
  void received(std::size_t bytes, const Clock& clock) { answer_time_.received(bytes, clock); }
  /// Begins another round.
  void adapt(TimePoint now, const Line& line);
  /// Bytes on their way that keep the line behind us moving from one look at it to the next (LineWatch).
  std::uint32_t for_line(bool in_company) const { return std::max(for_line_, value(in_company)); }
  /// Bytes, on a connection on which others are active or none is; may be bounded further by what the ends allow.
  std::uint32_t value(bool in_company) const {
    if (!in_company) return std::max(alone_, in_company_);
    return answer_time_.is_probing() ? std::min(in_company_, floor_) : in_company_;
  }

 private:
  /// Shorter ones can't be told from nothing by a clock of milliseconds.
  static constexpr Duration kShortestRound{2};

  std::uint32_t alone_ = kFloorAlone;
  std::uint32_t in_company_ = kFloorInCompany;
  std::uint32_t needed_before_ = 0;  // in the round before, in company on a long line
  std::uint32_t floor_ = kFloorInCompany;
  std::uint32_t for_line_ = 0;
  AnswerTime answer_time_;
  std::uint32_t allowed_ = kFloorAlone;
  std::size_t round_bytes_ = 0;
  TimePoint round_began_;
  TimePoint latest_;    // bytes came
  Duration rested_{0};  // of the round, that time was the sender's own
};

}  // namespace sallyport::mux
