// How soon a sender goes on that is granted more.
#include "mux/flow/answer_time.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"

namespace sallyport::mux {
namespace {

using std::chrono::microseconds;

constexpr microseconds kOfInterest{1000};
constexpr std::uint32_t kLittle = 64 * 1024;
constexpr std::uint32_t kMessage = 32 * 1024;

struct AnswerTimeTest : ::testing::Test {
  /// A grant while `left` are under way, which come before its answer does.
  void grant_and_answer(std::uint32_t left, microseconds after) {
    time.granted(left, kLittle, clock);
    clock.pass(after);
    time.received(left, clock);
    time.received(1, clock);
  }
  void begin_period() {
    clock.advance(AnswerTime::kPeriod);
    time.look(clock.now(), kOfInterest);
  }
  fakes::FakeClock clock;
  AnswerTime time;
};

TEST_F(AnswerTimeTest, IsFromAGrantToTheFirstByteThatNeededIt) {
  EXPECT_EQ(time.value(), AnswerTime::kUnknown);
  time.granted(kMessage, kLittle, clock);
  clock.pass(microseconds(100));
  time.received(kMessage, clock);
  EXPECT_EQ(time.value(), AnswerTime::kUnknown) << "that much might have come without it";
  clock.pass(microseconds(150));
  time.received(1, clock);
  EXPECT_EQ(time.value(), microseconds(250));
}

TEST_F(AnswerTimeTest, TheQuickestCounts) {
  grant_and_answer(0, microseconds(300));
  grant_and_answer(0, microseconds(200));
  grant_and_answer(0, microseconds(900));
  EXPECT_EQ(time.value(), microseconds(200));
}

TEST_F(AnswerTimeTest, AProbeEndsWithTheAnswerThatLittleStoodInFrontOf) {
  begin_period();
  EXPECT_TRUE(time.is_probing());
  grant_and_answer(8 * kMessage, microseconds(900));
  EXPECT_TRUE(time.is_probing());
  grant_and_answer(kMessage, microseconds(200));
  EXPECT_FALSE(time.is_probing());
  EXPECT_EQ(time.value(), microseconds(200));
}

TEST_F(AnswerTimeTest, IsForgottenAfterTwoPeriods) {
  begin_period();
  grant_and_answer(0, microseconds(200));
  begin_period();
  grant_and_answer(0, microseconds(700));
  EXPECT_EQ(time.value(), microseconds(200));
  begin_period();
  EXPECT_EQ(time.value(), microseconds(700));
}

TEST_F(AnswerTimeTest, NoProbeStopsASenderThatIsFarAway) {
  begin_period();
  grant_and_answer(0, microseconds(100'000));
  begin_period();
  EXPECT_FALSE(time.is_probing());
  EXPECT_EQ(time.value(), microseconds(100'000));
}

}  // namespace
}  // namespace sallyport::mux
