#include "mux/flow/rate_limit.hpp"

#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint64_t kRate = 1'000'000;

/// Takes whatever two channels can get for a while.
std::pair<std::uint64_t, std::uint64_t> drain(RateLimit& limit, TimePoint from, Duration time) {
  std::pair<std::uint64_t, std::uint64_t> taken{0, 0};
  for (TimePoint now = from; now < from + time; now += Duration(5)) {
    taken.first += limit.take(100'000, now);
    taken.second += limit.take(100'000, now);
  }
  return taken;
}

TEST(RateLimitTest, GivesTheRateAndOneBurst) {
  TimePoint now{};
  RateLimit limit(kRate, now);
  const auto [first, second] = drain(limit, now, seconds(10));
  EXPECT_GE(first + second, 10 * kRate - 2 * RateLimit::kSmallestGrant);
  EXPECT_LE(first + second, 10 * kRate + kRate / 10);
}

TEST(RateLimitTest, OwesWhatWasSpentWithoutAsking) {
  TimePoint now{};
  RateLimit limit(kRate, now);
  limit.spend(1'100'000);
  EXPECT_EQ(limit.take(100'000, now + Duration(900)), 0u);
  EXPECT_GT(limit.take(100'000, now + Duration(900) + limit.wait(now + Duration(900))), 0u);
}

TEST(RateLimitTest, DoesNotGiveCrumbs) {
  TimePoint now{};
  RateLimit limit(kRate, now);
  while (limit.take(100'000, now) > 0) {
  }
  EXPECT_EQ(limit.take(100'000, now + Duration(1)), 0u);
  EXPECT_GE(limit.take(100'000, now + limit.wait(now)), RateLimit::kSmallestGrant);
}

TEST(RateLimiterTest, IsSharedByUserAndTarget) {
  RateLimiter limiter;
  TimePoint now{};
  const auto limits = limiter.limits_of("alice", "web1", kRate, now);
  EXPECT_EQ(limiter.limits_of("alice", "web1", kRate, now), limits);
  EXPECT_NE(limiter.limits_of("bob", "web1", kRate, now), limits);
  EXPECT_NE(limiter.limits_of("alice", "web2", kRate, now), limits);
  EXPECT_NE(limiter.limits_of("alice", "web1", 2 * kRate, now), limits);
  EXPECT_EQ(limiter.limits_of("alice", "web1", 0, now), nullptr);
}

Config limited_config() {
  Config config = world_config();
  config.defaults.rate_limit = BytesPerSecond{kRate};
  return config;
}

class LimitedWorld : public WorldTest {
 protected:
  LimitedWorld() : WorldTest(limited_config()) {}
};

TEST_F(LimitedWorld, GrantsNoMoreThanTheRate) {
  MemoryPeer& client = connect();
  exec(client, 7, "true", 100'000'000);
  MemoryPeer& server = connector.succeed(0);
  std::uint64_t credit = FlowCredit::kFloorAlone;
  server.deliver(confirm_message(0, 40, 100'000));
  server.deliver(success_message(0));
  std::uint64_t sent = 0;
  for (int i = 0; i < 2000; ++i) {
    clock.advance(std::chrono::milliseconds(2));
    for (const std::string& line : take(server))
      if (line.starts_with("ADJUST 40 ")) credit += std::stoul(line.substr(10));
    const std::uint64_t size = std::min<std::uint64_t>(credit, Channel::kMaximumPacket);
    if (size == 0) continue;
    server.deliver(data_message(0, std::string(size, 'x')));
    client.deliver(adjust_message(0, static_cast<std::uint32_t>(size)));
    credit -= size;
    sent += size;
  }
  EXPECT_LE(sent, 4 * kRate + kRate / 10 + 2 * FlowCredit::kFloorAlone);
  EXPECT_GE(sent, 4 * kRate * 9 / 10);
}

}  // namespace
}  // namespace sallyport::mux
