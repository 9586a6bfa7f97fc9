// Which numbers channels get.
#include <gtest/gtest.h>

#include "mux/protocol/channel_numbers.hpp"

namespace sallyport::mux {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1)};

struct ChannelNumbersTest : testing::Test {
  std::uint32_t take(TimePoint when = kNow) { return number(numbers.take(when)); }
  void give_back(std::uint32_t taken, TimePoint when = kNow) { numbers.give_back(LocalChannel{taken}, when); }

  ChannelNumbers numbers;
};

TEST_F(ChannelNumbersTest, BeginWithNought) {
  EXPECT_FALSE(numbers.has_been_taken(LocalChannel{0}));
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(take(), 1u);
  EXPECT_TRUE(numbers.has_been_taken(LocalChannel{1}));
  EXPECT_FALSE(numbers.has_been_taken(LocalChannel{2}));
}

TEST_F(ChannelNumbersTest, OneThatWasUsedRests) {
  take();
  give_back(0);
  EXPECT_TRUE(numbers.is_resting(LocalChannel{0}, kNow));
  EXPECT_EQ(take(kNow + ChannelNumbers::kRest - Duration(1)), 1u);
  EXPECT_FALSE(numbers.is_resting(LocalChannel{0}, kNow + ChannelNumbers::kRest));
  EXPECT_EQ(take(kNow + ChannelNumbers::kRest), 0u);
}

TEST_F(ChannelNumbersTest, TheLowestThatHasRestedIsNext) {
  for (int i = 0; i < 4; ++i) take();
  for (const std::uint32_t taken : {3u, 1u, 2u}) give_back(taken);
  const TimePoint later = kNow + ChannelNumbers::kRest;
  EXPECT_EQ(take(later), 1u);
  EXPECT_EQ(take(later), 2u);
  EXPECT_EQ(take(later), 3u);
  EXPECT_EQ(take(later), 4u);
}

TEST_F(ChannelNumbersTest, OneThatIsInUseAgainDoesNotRest) {
  take();
  give_back(0);
  const TimePoint later = kNow + ChannelNumbers::kRest;
  EXPECT_EQ(take(later), 0u);
  EXPECT_FALSE(numbers.is_resting(LocalChannel{0}, kNow));
}

TEST_F(ChannelNumbersTest, NotEndlesslyManyRest) {
  std::uint32_t highest = 0;
  for (std::size_t i = 0; i < 3 * ChannelNumbers::kMostResting; ++i) {
    const std::uint32_t taken = take();
    highest = std::max(highest, taken);
    give_back(taken);
  }
  EXPECT_LE(highest, ChannelNumbers::kMostResting + 1);
}

}  // namespace
}  // namespace sallyport::mux
