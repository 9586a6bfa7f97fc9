// What of one channel's data is still on its way to the peer's host.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace sallyport::mux {

/// Tells from how much of a connection's output TCP has acknowledged how much of one channel's data that was. Of a fixed size:
/// what it says is too much by one point's distance at the most, a sixteenth of what is on its way or 8 KiB, and never too
/// little.
class Transit {
 public:
  /// `size` more bytes of the channel's data have been given to the transport, of which `mark` bytes have been sent by now.
  void add(std::uint64_t mark, std::size_t size) {
    if (count_ == 0) {
      distance_ = kLeastDistance;
      append();
    } else if (sent_ - begin_of_last() >= distance_) {
      if (count_ == kPoints) thin_out();
      append();
    }
    sent_ += size;
    last() = {mark, sent_};
  }
  /// Bytes of the channel's data that are on their way, when `acknowledged` bytes of the connection's output aren't any more.
  std::uint64_t bytes(std::uint64_t acknowledged) {
    while (count_ > 0 && points_[first_].mark <= acknowledged) {
      arrived_ = points_[first_].sent;
      first_ = (first_ + 1) % kPoints;
      --count_;
    }
    if (count_ == 0) return 0;
    // Of the oldest point's bytes there can't be more than all that the connection has on its way up to there.
    const Point& oldest = points_[first_];
    return sent_ - oldest.sent + std::min(oldest.sent - arrived_, oldest.mark - acknowledged);
  }

 private:
  static constexpr std::size_t kPoints = 16;
  static constexpr std::uint64_t kLeastDistance = 8 * 1024;
  /// When the connection's output up to `mark` has arrived, so have `sent` bytes of the channel's data.
  struct Point {
    std::uint64_t mark = 0;
    std::uint64_t sent = 0;
  };

  Point& at(std::size_t i) { return points_[(first_ + i) % kPoints]; }
  Point& last() { return at(count_ - 1u); }
  std::uint64_t begin_of_last() { return count_ > 1 ? at(count_ - 2u).sent : arrived_; }
  void append() { at(count_++) = {}; }
  /// Of each two points the later one stays.
  void thin_out() {
    for (std::size_t i = 0; i < kPoints / 2; ++i) at(i) = at(2 * i + 1);
    count_ = kPoints / 2;
    distance_ *= 2;
  }

  std::array<Point, kPoints> points_{};  // a ring
  std::uint8_t first_ = 0;
  std::uint8_t count_ = 0;
  std::uint64_t distance_ = kLeastDistance;
  std::uint64_t sent_ = 0;
  std::uint64_t arrived_ = 0;
};

}  // namespace sallyport::mux
