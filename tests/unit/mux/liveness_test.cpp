// When a silent peer is asked, given up, or spared.
#include <gtest/gtest.h>

#include <optional>

#include "fakes/fake_clock.hpp"
#include "mux/protocol/liveness.hpp"

namespace sallyport::mux {
namespace {

using std::chrono::seconds;

struct LivenessTest : testing::Test, Liveness::Host {
  void ask_for_life() override {
    ++asked;
    liveness->note_question();
  }
  bool answers_no_question() const override { return deaf; }
  void on_silence() override { ++given_up; }

  void begin(KeepaliveSettings settings) { liveness.emplace(clock, settings, *this); }

  fakes::FakeClock clock;
  int asked = 0;
  int given_up = 0;
  bool deaf = false;
  std::optional<Liveness> liveness;
};

TEST_F(LivenessTest, AskedAfterAnIntervalOfSilence) {
  begin({seconds(15), 3});
  for (int i = 0; i < 10; ++i) {
    clock.advance(seconds(14));
    liveness->note_message();
  }
  EXPECT_EQ(asked, 0);
  clock.advance(seconds(30));
  EXPECT_EQ(asked, 1);
}

TEST_F(LivenessTest, GivenUpOnceWhenAllQuestionsWereInVain) {
  begin({seconds(15), 3});
  clock.advance(seconds(15 * 3));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(given_up, 0);
  EXPECT_EQ(liveness->unanswered_for(), seconds(30));
  clock.advance(seconds(3600));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(given_up, 1);
}

TEST_F(LivenessTest, AnyMessageIsASignOfLife) {
  begin({seconds(15), 3});
  clock.advance(seconds(15 * 3));
  liveness->note_message();
  EXPECT_EQ(liveness->unanswered_for(), Duration::zero());
  clock.advance(seconds(15 * 3));
  EXPECT_EQ(given_up, 0);
}

TEST_F(LivenessTest, OneThatAnswersNoQuestionIsSpared) {
  begin({seconds(15), 3});
  deaf = true;
  clock.advance(seconds(3600));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(given_up, 0);
  EXPECT_TRUE(liveness->spares_questions());
  EXPECT_EQ(liveness->unanswered_for(), Duration::zero());
}

TEST_F(LivenessTest, WhatCameBeforeTheFirstQuestionIsNotHeardSince) {
  begin({seconds(15), 3});
  liveness->note_message();
  EXPECT_FALSE(liveness->heard_since_a_question());
  liveness->note_question();
  EXPECT_FALSE(liveness->heard_since_a_question());
  liveness->note_message();  // in the same millisecond
  EXPECT_TRUE(liveness->heard_since_a_question());
  EXPECT_EQ(liveness->heard(), 2u);
}

TEST_F(LivenessTest, NothingIsAskedWithoutAnInterval) {
  begin({Duration::zero(), 3});
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(clock.pending(), 0u);
}

}  // namespace
}  // namespace sallyport::mux
