// Which channels of a connection wait for what they have sent to reach the peer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/transport.hpp>

namespace sallyport::mux {

/// Nobody tells when TCP has acknowledged something: one timer looks, for all channels that wait.
class LineWatch {
 public:
  /// The first look comes so soon; while something is on its way and stands each next one comes twice as late …
  static constexpr Duration kFirstLook{2};
  /// … up to this: a peer that has stopped costs four looks a second.
  static constexpr Duration kLastLook{256};

  /// `look` is called for each channel that waits, from the timer. It may let it wait again.
  LineWatch(Clock& clock, Transport& transport, std::function<void(LocalChannel)> look)
      : clock_(clock), transport_(transport), look_(std::move(look)) {}

  /// Has the channel, which doesn't wait yet, looked at soon.
  void wait(LocalChannel channel);

 private:
  void run();

  Clock& clock_;
  Transport& transport_;
  const std::function<void(LocalChannel)> look_;
  std::vector<LocalChannel> waiting_;
  std::vector<LocalChannel> looked_at_;  // while the timer runs
  std::uint64_t seen_ = 0;               // acknowledged at the look before
  Duration next_look_ = kFirstLook;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sallyport::mux
