#include "ssh/transport/turn_budget.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace sallyport::ssh {
namespace {

using std::chrono::microseconds;

TEST(TurnBudgetTest, IsUsedUpByBytesMessagesOrTimeAndFreshInTheNextTurn) {
  TurnBudget budget;
  ASSERT_TRUE(budget.has_more(2));
  std::uint32_t messages = 0;
  while (budget.has_more(2)) {
    budget.use(1);
    ++messages;
    ASSERT_LE(messages, TurnBudget::kMessages);
  }
  EXPECT_TRUE(messages < TurnBudget::kMessages || budget.went_for_little());
  EXPECT_TRUE(budget.has_more(3));
  EXPECT_FALSE(budget.went_for_little());
  for (std::size_t bytes = 0; bytes < TurnBudget::kBytes; bytes += 32768) {
    ASSERT_TRUE(budget.has_more(3));
    budget.use(32768);
  }
  EXPECT_FALSE(budget.has_more(3));
  EXPECT_FALSE(budget.went_for_little());
  EXPECT_TRUE(budget.has_more(4));
}

TEST(TurnBudgetTest, ATurnHasItsMessagesAndTheNextOneAsMany) {
  TurnBudget budget;
  constexpr microseconds kMuch = std::chrono::hours(1);
  for (std::uint64_t turn = 1; turn <= 2; ++turn) {
    std::uint32_t messages = 0;
    for (; budget.has_more(turn, kMuch); ++messages) budget.use(20);
    EXPECT_EQ(messages, TurnBudget::kMessages);
    EXPECT_TRUE(budget.went_for_little());
  }
}

TEST(TurnBudgetTest, LargeMessagesAreNotLittle) {
  TurnBudget budget;
  while (budget.has_more(1, std::chrono::hours(1))) budget.use(32 * 1024);
  EXPECT_FALSE(budget.went_for_little());
}

TEST(TurnBudgetTest, WhoHasHardlyAnyTimeWorksAtSomeMessagesAllTheSame) {
  TurnBudget budget;
  std::uint32_t messages = 0;
  for (; budget.has_more(1, microseconds(0)); ++messages) budget.use(20);
  EXPECT_GE(messages, 4u);
  EXPECT_LT(messages, TurnBudget::kMessages);
  EXPECT_TRUE(budget.went_for_little());
}

TEST(PourersTest, TheyHaveTheTimeOfOneOfThemTogether) {
  Pourers all;
  EXPECT_EQ(all.time(), TurnBudget::kTime);
  {
    const Pourers::Place first(all);
    EXPECT_EQ(all.time(), TurnBudget::kTime);
    const Pourers::Place second(all), third(all);
    EXPECT_EQ(all.time(), TurnBudget::kTime / 3);
  }
  EXPECT_EQ(all.time(), TurnBudget::kTime);
}

TEST(PourersTest, ThousandsOfThemStillHaveSome) {
  Pourers all;
  std::deque<Pourers::Place> places;
  for (int i = 0; i < 5000; ++i) places.emplace_back(all);
  EXPECT_EQ(all.time(), Pourers::kLeastTime);
}

}  // namespace
}  // namespace sallyport::ssh
