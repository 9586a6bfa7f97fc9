// How much a peer consumes before it gives any of its window back.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sallyport::mux {

/// RFC 4254 leaves it to the receiver when to send WINDOW_ADJUST: OpenSSH does it for some 96 KiB, many libraries for half of the
/// window, PuTTY for nearly 2 GiB. Up to that much of what it hasn't given back it may have consumed all the same. This
/// is an estimate from what it does; that it may be wrong is why nobody may wait for an adjust (see Outflow).
class AdjustHabit {
 public:
  /// OpenSSH's, with the message that makes it more than 96 KiB. Nobody's is taken for less: it counts what it has received and
  /// not consumed as well, so that its adjusts are small ones when it is busy.
  static constexpr std::uint64_t kUsual = 128 * 1024;
  /// A window from here on isn't meant to be used up: whoever opens with one adjusts rarely or never.
  static constexpr std::uint64_t kBoundless = 64 * 1024 * 1024;

  std::uint64_t bytes() const { return bytes_; }
  /// The peer opened a channel with that window.
  void opened(std::uint64_t window) {
    if (window >= kBoundless) bytes_ = std::max(bytes_, window / 2);
  }
  /// An adjust gave back so much: the largest of the last ones counts, and is forgotten slowly.
  void gave_back(std::uint64_t bytes) { bytes_ = std::max({bytes, kUsual, bytes_ - (bytes_ - std::min(bytes, bytes_)) / 64}); }
  /// `unconsumed` bytes have not been given back, and it is silent though all of them have reached it.
  void silent(std::uint64_t unconsumed) { bytes_ = std::max(4 * bytes_, unconsumed); }

 private:
  std::uint64_t bytes_ = kUsual;
};

}  // namespace sallyport::mux
