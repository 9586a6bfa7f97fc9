#include "mux/flow/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace sallyport::mux {
namespace {

constexpr double kBurstSeconds = 0.1;
constexpr double kSmallestBurst = 32 * 1024;

}  // namespace

RateLimit::RateLimit(std::uint64_t rate, TimePoint now)
    : rate_(static_cast<double>(rate) / 1000),
      full_(std::max(static_cast<double>(rate) * kBurstSeconds, kSmallestBurst)),
      tokens_(full_),
      filled_(now) {}

void RateLimit::refill(TimePoint now) {
  tokens_ = std::min(full_, tokens_ + rate_ * static_cast<double>((now - filled_).count()));
  filled_ = now;
}

std::uint32_t RateLimit::take(std::uint32_t wanted, TimePoint now) {
  refill(now);
  const std::uint32_t least = std::min(wanted, kSmallestGrant);
  if (wanted == 0 || tokens_ < least) return 0;
  const auto taken =
      static_cast<std::uint32_t>(std::min<double>(wanted, std::max<double>(std::min(tokens_, kSmallestBurst), tokens_ / 2)));
  tokens_ -= taken;
  return taken;
}

Duration RateLimit::wait(TimePoint now) {
  refill(now);
  const double missing = kSmallestGrant - tokens_;
  return Duration(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(missing / rate_))));
}

std::shared_ptr<RateLimits> RateLimiter::limits_of(const std::string& user, const std::string& target, std::uint64_t rate,
                                                   TimePoint now) {
  if (rate == 0) return nullptr;
  Entry& entry = entries_[{user, target}];
  std::shared_ptr<RateLimits> limits = entry.limits.lock();
  if (limits != nullptr && entry.rate == rate) return limits;
  limits = std::make_shared<RateLimits>(RateLimits{RateLimit(rate, now), RateLimit(rate, now)});
  entry = {rate, limits};
  std::erase_if(entries_, [](const auto& other) { return other.second.limits.expired(); });
  return limits;
}

}  // namespace sallyport::mux
