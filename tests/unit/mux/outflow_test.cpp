// What a channel knows of its data behind it: on its way, given back, and neither.
#include "mux/flow/outflow.hpp"

#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::mux {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kPacket = 32 * 1024;
constexpr std::uint32_t kCredit = 256 * 1024;
constexpr std::uint32_t kWindow = 2 * 1024 * 1024;

TEST(AdjustHabitTest, TheLargestAdjustCountsAndIsForgottenSlowly) {
  AdjustHabit habit;
  habit.gave_back(1024 * 1024);
  EXPECT_EQ(habit.bytes(), 1024u * 1024);
  habit.gave_back(32 * 1024);
  EXPECT_GE(habit.bytes(), 1000u * 1024);
  for (int i = 0; i < 1000; ++i) habit.gave_back(32 * 1024);
  EXPECT_EQ(habit.bytes(), AdjustHabit::kUsual) << "OpenSSH's adjusts are as small while it keeps so much back";
}

TEST(AdjustHabitTest, SilenceTeachesTheLargestWindowInAFewSteps) {
  AdjustHabit habit;
  int looks = 0;
  for (; habit.bytes() < (std::uint64_t{1} << 31U); ++looks) habit.silent(habit.bytes() + kCredit);
  EXPECT_LE(looks, 8);
}

TEST(AdjustHabitTest, AWindowThatIsNotMeantToBeUsedUpSaysSo) {
  AdjustHabit habit;
  habit.opened(2 * 1024 * 1024);
  EXPECT_EQ(habit.bytes(), AdjustHabit::kUsual);
  habit.opened(0x7fffffff);
  EXPECT_EQ(habit.bytes(), 0x7fffffffu / 2);
}

TEST(TransitTest, NeverTellsTooLittleAndLittleTooMuch) {
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::minstd_rand random(seed);
    const auto up_to = [&random](std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random); };
    Transit transit;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> sent;  // marks, and the channel's bytes that they end
    std::uint64_t mark = 0, acknowledged = 0;
    for (int i = 0; i < 500; ++i) {
      mark += up_to(seed % 2 == 0 ? 0 : 100'000);  // of others
      const std::uint64_t size = 1 + up_to(kPacket);
      mark += size;
      transit.add(mark, size);
      sent.emplace_back(mark, size);
      acknowledged = std::min(mark, acknowledged + up_to(seed % 3 == 0 ? 10'000 : 200'000));
      std::uint64_t most = 0;
      for (const auto& [end, bytes] : sent)
        if (end > acknowledged) most += std::min(bytes, end - acknowledged);
      std::erase_if(sent, [acknowledged](const auto& one) { return one.first <= acknowledged; });
      const std::uint64_t told = transit.bytes(acknowledged);
      ASSERT_GE(told, most);
      ASSERT_LE(told, most + most / 4 + 2 * kPacket);
    }
    EXPECT_EQ(transit.bytes(mark), 0u);
  }
}

/// A channel whose connection sends nothing else.
struct OutflowTest : ::testing::Test {
  void send(std::uint32_t size) {
    outflow.count(size);
    outflow.pass(sent += size, size);
  }
  std::uint32_t room() { return outflow.room({kCredit, kCredit}, kWindow, 0, acknowledged); }
  bool is_silent() { return outflow.is_silent(acknowledged, 0, now, milliseconds(10)); }
  /// Until there is no room, which arrives at once.
  std::uint64_t send_all() {
    const std::uint64_t before = sent;
    while (room() >= kPacket) {
      send(kPacket);
      acknowledged = sent;
    }
    return sent - before;
  }

  AdjustHabit habit;
  Outflow outflow{habit};
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  TimePoint now{};
};

TEST_F(OutflowTest, WhatIsOnItsWayIsBoundedWithoutAWordOfThePeer) {
  for (int i = 0; i < 8; ++i) send(kPacket);
  EXPECT_EQ(room(), 0u);
  acknowledged = sent;
  EXPECT_GT(room(), 0u);
}

TEST_F(OutflowTest, MoreIsOnItsWayWhereTheLineNeedsIt) {
  for (int i = 0; i < 8; ++i) send(kPacket);
  EXPECT_EQ(outflow.room({kCredit, kCredit + 1000}, kWindow, 0, acknowledged), 1000u);
}

TEST_F(OutflowTest, WhatIsHeldTakesOfTheRoom) { EXPECT_EQ(outflow.room({kCredit, kCredit}, kWindow, 1000, 0), kCredit - 1000); }

TEST_F(OutflowTest, StopsBeforeAPeerThatConsumesNothing) { EXPECT_LE(send_all(), AdjustHabit::kUsual + kCredit); }

TEST_F(OutflowTest, APeerThatLeavesLittleOfItsWindowBoundsItself) {
  send_all();
  EXPECT_LT(room(), kPacket);
  EXPECT_EQ(outflow.room({kCredit, kCredit}, kCredit, 0, acknowledged), kCredit)
      << "another Sallyport has made its window smaller";
}

TEST_F(OutflowTest, AnOlderAnswerNeverTellsOfMoreRoom) {
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = acknowledged;
    send(kPacket);
    acknowledged = sent - (i % 4) * kPacket;
    if (i % 3 == 0) outflow.gave_back(kPacket);
    EXPECT_LE(outflow.certain_room({kCredit, kCredit}, kWindow, 0, before), room());
  }
}

TEST_F(OutflowTest, GoesOnWhenThePeerIsSilentForARoundTrip) {
  send_all();
  EXPECT_FALSE(is_silent());
  now += Duration(9);
  EXPECT_FALSE(is_silent());
  now += Duration(1);
  EXPECT_TRUE(is_silent());
  EXPECT_GE(send_all(), 4 * AdjustHabit::kUsual - AdjustHabit::kUsual - kPacket);
}

TEST_F(OutflowTest, NobodyIsSilentWhoHasNotGotEverything) {
  send_all();
  send(1);
  EXPECT_FALSE(is_silent());
  now += Duration(1000);
  EXPECT_FALSE(is_silent());
}

TEST_F(OutflowTest, AnAdjustEndsTheSilence) {
  send_all();
  EXPECT_FALSE(is_silent());
  outflow.gave_back(kPacket);
  now += Duration(1000);
  EXPECT_FALSE(is_silent());
}

TEST_F(OutflowTest, AWindowThatGrowsBeyondWhatWasSentGivesNothingBack) {
  send(1000);
  outflow.gave_back(0x7fffffff);
  EXPECT_LE(outflow.habit().bytes(), AdjustHabit::kUsual);
}

}  // namespace
}  // namespace sallyport::mux
