// How much the channels of one user may move to and from one target in a second (`rate_limit`).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// A token bucket. What is taken from it are window grants: data that nobody was granted doesn't come, so nothing has to be
/// held back here.
class RateLimit {
 public:
  /// Smaller grants than this would be mostly overhead; whoever gets nothing asks again after wait().
  static constexpr std::uint32_t kSmallestGrant = 8 * 1024;

  /// `rate`: bytes a second, not 0. The bucket holds a tenth of a second, and is full.
  RateLimit(std::uint64_t rate, TimePoint now);

  /// As much of `wanted` as may be granted now: at most half of what there is beyond a packet's worth, so that one channel
  /// leaves something to the next.
  std::uint32_t take(std::uint32_t wanted, TimePoint now);
  /// Something was granted without asking; the bucket may owe it.
  void spend(std::uint32_t bytes) { tokens_ -= bytes; }
  /// Until something can be taken again.
  Duration wait(TimePoint now);

 private:
  void refill(TimePoint now);

  double rate_;  // a millisecond
  double full_;
  double tokens_;
  TimePoint filled_;
};

/// One for each direction.
struct RateLimits {
  RateLimit from_client;
  RateLimit to_client;
};

/// The limits in use: channels of one user to one target get the same.
class RateLimiter {
 public:
  /// Null when `rate` is 0. A rate that has changed holds for what is opened from now on.
  std::shared_ptr<RateLimits> limits_of(const std::string& user, const std::string& target, std::uint64_t rate, TimePoint now);

 private:
  struct Entry {
    std::uint64_t rate = 0;
    std::weak_ptr<RateLimits> limits;
  };
  std::map<std::pair<std::string, std::string>, Entry> entries_;
};

}  // namespace sallyport::mux
