// What the peer at one end is granted, as a table.
#include "mux/flow/top_up.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace sallyport::mux {
namespace {

using Wait = TopUp::Wait;

constexpr std::uint32_t kKiB = 1024;
constexpr std::uint32_t kMiB = 1024 * kKiB;
constexpr Flow kSource{.granted = 0, .credit = 4 * kMiB};
constexpr Flow kSink{.window = kMiB, .credit = 4 * kMiB};
/// As much as may be wanted.
constexpr std::uint32_t kEnough = UINT32_MAX;

struct Row {
  std::string name;
  Flow source, sink;
  std::uint32_t room;  ///< that the sink has
  std::uint32_t grant;
  Wait wait = Wait::nothing;
  bool asks = true;  ///< the sink for its room
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

Flow granted(std::uint32_t bytes) { return {.granted = bytes, .credit = 4 * kMiB}; }
Flow window(std::uint32_t bytes) { return {.window = bytes, .credit = 4 * kMiB}; }

// A credit that has measured nothing yet: 128 KiB alone, 16 KiB in company.
const Row kRows[] = {
    {"TheWholeCreditAtFirst", kSource, kSink, kEnough, 128 * kKiB},
    {"NothingToACongestedSink",
     kSource,
     {.window = kMiB, .credit = 4 * kMiB, .congested = true},
     kEnough,
     0,
     Wait::congestion,
     false},
    {"WhatTheSourceFeelsOfCongestionIsNoneOfOurs", {.credit = 4 * kMiB, .congested = true}, kSink, kEnough, 128 * kKiB},
    {"NothingBeyondTheCredit", granted(128 * kKiB), kSink, kEnough, 0, Wait::nothing, false},
    {"NothingBelowAStep", granted(96 * kKiB + 1), kSink, kEnough, 0, Wait::nothing, false},
    {"AWholeStep", granted(96 * kKiB), kSink, kEnough, 32 * kKiB},
    {"NeverMoreThanTheWindow", kSource, window(20000), kEnough, 20000},
    {"HalfOfASmallWindowIsAStep", granted(10000), window(20000), kEnough, 10000},
    {"LessThanHalfOfItIsNone", granted(10001), window(20000), kEnough, 0, Wait::nothing, false},
    {"NothingWithoutAWindow", kSource, window(0), kEnough, 0, Wait::nothing, false},
    {"WholeMessagesOfTheRoom", kSource, kSink, 100 * kKiB, 96 * kKiB},
    {"AllOfAWindowThoughItIsOdd", kSource, window(40 * kKiB), kEnough, 40 * kKiB},
    {"WaitsForRoomThatIsLessThanAStep", kSource, kSink, 32 * kKiB - 1, 0, Wait::room},
    {"WaitsForRoomBesideWhatIsGranted", granted(64 * kKiB), kSink, 95 * kKiB, 0, Wait::room},
    {"WaitsForRoomWhereThereIsNone", granted(64 * kKiB), kSink, 0, 0, Wait::room},
    {"LessInTheSourcesCompany", {.credit = 4 * kMiB, .in_company = true}, kSink, kEnough, 16 * kKiB},
    {"LessInTheSinksCompany", kSource, {.window = kMiB, .credit = 4 * kMiB, .in_company = true}, kEnough, 16 * kKiB},
    {"WithinTheSourcesConnection", {.credit = 64 * kKiB}, kSink, kEnough, 64 * kKiB},
    {"WithinTheSinksConnection", kSource, {.window = kMiB, .credit = 64 * kKiB}, kEnough, 64 * kKiB},
};

struct TopUpTest : ::testing::TestWithParam<Row> {};

TEST_P(TopUpTest, IsAsTheTableSays) {
  const Row& row = GetParam();
  bool asked = false;
  const FlowCredit credit{TimePoint()};
  const TopUp now = top_up(row.source, row.sink, credit, [&](const RoomLimits&) {
    asked = true;
    return row.room;
  });
  EXPECT_EQ(now.grant, row.grant);
  EXPECT_EQ(now.wait, row.wait);
  EXPECT_EQ(asked, row.asks);
}

INSTANTIATE_TEST_SUITE_P(All, TopUpTest, ::testing::ValuesIn(kRows), [](const auto& param) { return param.param.name; });

/// The limits that the sink is asked about.
RoomLimits asked(const Flow& sink, const FlowCredit& credit) {
  RoomLimits limits;
  top_up(kSource, sink, credit, [&](const RoomLimits& wanted) {
    limits = wanted;
    return kEnough;
  });
  return limits;
}

TEST(TopUpRoom, IsWhatTheCreditLeavesBehindUs) {
  const RoomLimits limits = asked(kSink, FlowCredit{TimePoint()});
  EXPECT_EQ(limits.unread, 128 * kKiB);
  EXPECT_EQ(limits.on_the_way, 128 * kKiB);
  EXPECT_EQ(limits.enough, 128 * kKiB) << "who knows of that much needn't ask the kernel";
}

TEST(TopUpRoom, IsAQuarterMoreThanALargeCreditWhileItIsAlone) {
  FlowCredit credit{TimePoint()};
  credit.begin(TimePoint(), std::chrono::milliseconds(100));
  const std::uint32_t all = FlowCredit::kFirstAlone;
  const std::uint32_t spare = (all - FlowCredit::kFloorAlone) / 4;
  const RoomLimits limits = asked(window(8 * kMiB), credit);
  EXPECT_EQ(limits.unread, all + spare);
  EXPECT_EQ(limits.on_the_way, all + spare);
  EXPECT_EQ(limits.enough, all);
  const RoomLimits in_company = asked({.window = 8 * kMiB, .credit = 4 * kMiB, .in_company = true}, credit);
  EXPECT_EQ(in_company.unread, FlowCredit::kFloorInCompany);
  EXPECT_EQ(in_company.on_the_way, FlowCredit::kFloorInCompany);
}

TEST(TopUpStep, IsOfWholeMessagesWhereThereIsRoomForThem) {
  EXPECT_EQ(step_within(0), 0u);
  EXPECT_EQ(step_within(20000), 10000u);
  EXPECT_EQ(step_within(48 * kKiB - 2), 24 * kKiB - 1);
  EXPECT_EQ(step_within(48 * kKiB), 32 * kKiB);
  EXPECT_EQ(step_within(128 * kKiB), 32 * kKiB);
  EXPECT_EQ(step_within(200 * kKiB), 50 * kKiB);
  EXPECT_EQ(step_within(kMiB), 64 * kKiB);
}

}  // namespace
}  // namespace sallyport::mux
