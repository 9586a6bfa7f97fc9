#include "mux/flow/flow_credit.hpp"

#include <gtest/gtest.h>

#include "mux/flow/rate_meter.hpp"

namespace sallyport::mux {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A sender that always has data, at the other end of a line with a rate and a delay.
class FlowCreditTest : public ::testing::Test {
 protected:
  /// Lets `rounds` credits pass. The line carries `rate` bytes a millisecond, and what it can't keep moving stands in its
  /// queue: a round takes as long as either limit demands.
  void run(int rounds, std::uint64_t rate, milliseconds delay, bool in_company = false) {
    for (int i = 0; i < rounds; ++i) {
      const std::uint32_t allowed = credit_.value(in_company);
      const auto by_rate = Duration(static_cast<std::int64_t>(allowed / rate));
      now_ += std::max({by_rate, delay, Duration(2)});
      const bool over = credit_.count(allowed / 2, allowed, 0, now_) | credit_.count(allowed - allowed / 2, allowed, 0, now_);
      ASSERT_TRUE(over);
      credit_.adapt(now_, {delay});
    }
  }
  TimePoint now_{};
  FlowCredit credit_{now_};
};

TEST_F(FlowCreditTest, FillsALongFatPipe) {
  constexpr std::uint64_t kGigabit = 125'000;
  run(12, kGigabit, milliseconds(100));
  EXPECT_GE(credit_.value(false), kGigabit * 100);
  run(50, kGigabit, milliseconds(100));
  EXPECT_LE(credit_.value(false), kGigabit * 100 * 3);
}

TEST_F(FlowCreditTest, FillsALongFatPipeInCompanyToo) {
  constexpr std::uint64_t kGigabit = 125'000;
  run(60, kGigabit, milliseconds(100), true);
  EXPECT_GE(credit_.value(true), kGigabit * 100);
  EXPECT_LE(credit_.value(true), kGigabit * 100 * 3 / 2);
}

TEST_F(FlowCreditTest, StaysSmallOverASlowLine) {
  run(50, 5'000, milliseconds(1));
  EXPECT_EQ(credit_.value(false), FlowCredit::kFloorAlone);
  EXPECT_EQ(credit_.value(true), FlowCredit::kFloorInCompany);
}

TEST_F(FlowCreditTest, FallsWhenTheLineBecomesSlow) {
  run(12, 125'000, milliseconds(100));
  run(12, 5'000, milliseconds(100));
  EXPECT_LE(credit_.value(false), 2u * 5'000 * 110);
}

TEST_F(FlowCreditTest, FallsAtOnceInCompany) {
  run(12, 125'000, milliseconds(100));
  run(2, 5'000, milliseconds(100), true);
  EXPECT_LE(credit_.value(true), 5'000u * 130 + FlowCredit::kFullMessage);
}

TEST_F(FlowCreditTest, BothAreKnownWhicheverCounts) {
  run(12, 125'000, milliseconds(100));
  EXPECT_GE(credit_.value(true), 125'000u * 100);
  EXPECT_LT(credit_.value(true), credit_.value(false));
}

TEST_F(FlowCreditTest, GivesASenderThatRestsWhatItsBurstsNeed) {
  constexpr std::uint32_t kPacket = 32 * 1024;
  std::uint32_t granted = credit_.value(false);
  for (int burst = 0; burst < 20; ++burst) {
    now_ += milliseconds(100);  // of a client of its own, perhaps
    for (std::uint32_t allowed = granted; granted >= kPacket;) {
      granted -= kPacket;
      if (credit_.count(kPacket, allowed, granted, now_)) credit_.adapt(now_, {milliseconds(1)});
    }
    granted = credit_.value(false);
  }
  EXPECT_EQ(granted, FlowCredit::kFirstAlone);
  EXPECT_LE(credit_.value(true), 2 * FlowCredit::kFloorAlone) << "the neighbours don't pay for it";
}

TEST_F(FlowCreditTest, BeginsAsOpenSshDoesOverALongLine) {
  credit_.begin(now_, milliseconds(100));
  EXPECT_EQ(credit_.value(false), FlowCredit::kFirstAlone);
  EXPECT_EQ(credit_.value(true), FlowCredit::kFloorInCompany);
}

TEST_F(FlowCreditTest, BeginsWithTheFloorOverAShortLine) {
  credit_.begin(now_, milliseconds(1));
  EXPECT_EQ(credit_.value(false), FlowCredit::kFloorAlone);
}

TEST_F(FlowCreditTest, IsHeldUpByOneSlowRoundOfALongLine) {
  credit_.begin(now_, milliseconds(100));
  run(1, 4'000, milliseconds(100));  // TCP's slow start
  EXPECT_GE(credit_.value(false), FlowCredit::kFirstAlone * 3 / 4);
}

TEST_F(FlowCreditTest, LeavesManyChannelsOfAFastConnectionMessagesOfTheFullSize) {
  constexpr std::uint64_t kSlow = 5'000, kFast = 250'000;  // bytes a millisecond
  EXPECT_EQ(FlowCredit::floor_of(kSlow), FlowCredit::kFloorInCompany);
  EXPECT_EQ(FlowCredit::floor_of(kFast), FlowCredit::kFloorInFastCompany);
  now_ += Duration(20);
  ASSERT_TRUE(credit_.count(credit_.value(true), credit_.value(true), 0, now_));
  credit_.adapt(now_, {milliseconds(0), FlowCredit::floor_of(kFast)});
  EXPECT_EQ(credit_.value(true), FlowCredit::kFloorInFastCompany);
}

TEST(RateMeterTest, TakesABurstForNoRate) {
  TimePoint now{};
  RateMeter meter;
  for (int i = 0; i < 20; ++i) meter.count(128 * 1024, now += Duration(1000));
  EXPECT_EQ(meter.per_millisecond(), 0u);
}

TEST(RateMeterTest, KeepsItsRateOverAPause) {
  TimePoint now{};
  RateMeter meter;
  for (int i = 0; i < 100; ++i) meter.count(100'000, now += Duration(1));
  EXPECT_EQ(meter.per_millisecond(), 100'000u);
  meter.count(1, now += Duration(5000));
  EXPECT_EQ(meter.per_millisecond(), 100'000u);
  for (int i = 0; i < 100; ++i) meter.count(5'000, now += Duration(1));
  EXPECT_EQ(meter.per_millisecond(), 5'000u);
}

}  // namespace
}  // namespace sallyport::mux
