// How far one direction of a relay may run ahead of what its receiver has consumed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// What is under way stands in front of a neighbour's keystroke somewhere: in a socket, in a router's queue. With too little
/// of it, a transfer over a long line waits for window adjusts. So the credit follows the bandwidth-delay product.
/// A round is the time in which one credit's worth of data came, which gives the rate; the round trip is the smallest
/// that the transport has seen, which no queue has lengthened. A round that took no longer was limited by the credit, and
/// the next one gets more; over a slow line the credit falls to the floor, however much the queues there would take.
class FlowCredit {
 public:
  /// Enough for people, for most programs, and for some megabytes a second on a local network.
  static constexpr std::uint32_t kFloorAlone = 128 * 1024;
  /// The floor in company, over a line that isn't known to be fast …
  static constexpr std::uint32_t kFloorInCompany = 16 * 1024;
  /// … and over one that is: a message of the full size, since many small ones keep the programs at both ends busy.
  static constexpr std::uint32_t kFloorInFastCompany = 32 * 1024;
  /// What a channel begins with over a long line, at the most: as much as OpenSSH lets each of its own have under way.
  static constexpr std::uint32_t kFirstAlone = 2 * 1024 * 1024;

  /// What a round went over, both connections taken together.
  struct Line {
    std::chrono::microseconds round_trip{0};           ///< 0: not known
    bool in_company = false;                           ///< others are active on one of them
    std::uint32_t floor_in_company = kFloorInCompany;  ///< see floor_of()
  };

  explicit FlowCredit(TimePoint now) : round_began_(now) {}
  /// How little a channel may have in company where the connection moves so many bytes in a millisecond: what passes so fast
  /// is hardly felt.
  static std::uint32_t floor_of(std::uint64_t bytes_in_a_millisecond);

  /// Before the first round: a line of that length is taken for a fast one, until the rounds tell.
  void begin(TimePoint now, std::chrono::microseconds round_trip);

  /// `count` bytes have come. True when that ends a round: then adapt() is due.
  bool count(std::size_t count, TimePoint now) {
    round_bytes_ += count;
    return round_bytes_ >= value_ && now - round_began_ >= kShortestRound;
  }
  /// Begins another round.
  void adapt(TimePoint now, const Line& line);
  /// Bytes; may be bounded further by what the ends allow.
  std::uint32_t value() const { return value_; }
  /// The same while others are active: a round that began alone must not go on to its end with a large credit.
  void yield_to_company() {
    if (value_ > in_company_limit_) value_ = in_company_limit_;
  }

 private:
  /// Shorter ones can't be told from nothing by a clock of milliseconds.
  static constexpr Duration kShortestRound{2};

  std::uint32_t value_ = kFloorAlone;
  std::uint32_t in_company_limit_ = kFloorInCompany;
  std::size_t round_bytes_ = 0;
  TimePoint round_began_;
};

}  // namespace sallyport::mux
