// How many channels and sessions a trunk takes, and what is learnt of that.
#include "mux/targets/session_room.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"

namespace sallyport::mux {
namespace {

using Kind = TrunkUse::Kind;
using Load = SessionRoom::Load;
using Refusal = SessionRoom::Refusal;

struct SessionRoomTest : ::testing::Test {
  SessionRoomTest() { key.user = "alice"; }
  /// `sessions` are open, and nothing else is there.
  static Load open(std::size_t sessions) { return {sessions, sessions, sessions}; }
  static bool takes_session(const SessionRoom& room, const Load& load) { return room.has_room_for({Kind::session}, load); }
  /// So many sessions have been opened, one beside the other.
  static void fill(SessionRoom& room, std::size_t sessions) {
    for (std::size_t confirmed = 1; confirmed <= sessions; ++confirmed) room.note_session(confirmed);
  }
  fakes::FakeClock clock;
  LearntOfTargets learnt{clock};
  ShareKey key;
  SessionRoom room{3, learnt, key};
};

TEST_F(SessionRoomTest, TakesItsLimitOfSessions) {
  EXPECT_TRUE(takes_session(room, open(2)));
  EXPECT_FALSE(takes_session(room, open(3)));
  EXPECT_EQ(room.limit(), 3u);
}

TEST_F(SessionRoomTest, TakesTenTimesAsManyOtherChannels) {
  EXPECT_TRUE(room.has_room_for({Kind::forward}, {29, 3, 3}));
  EXPECT_FALSE(room.has_room_for({Kind::forward}, {30, 0, 0}));
}

TEST_F(SessionRoomTest, AlwaysTakesAHold) { EXPECT_TRUE(room.has_room_for({Kind::hold}, {100, 100, 100})); }

TEST_F(SessionRoomTest, TakesOneAtLeast) {
  EXPECT_TRUE(takes_session(SessionRoom(0, learnt, key), open(0)));
  EXPECT_EQ(SessionRoom(0, learnt, key).limit(), 1u);
}

TEST_F(SessionRoomTest, IsFreshUntilItHasHadASession) {
  const TrunkUse afresh{Kind::session, {}, true};
  EXPECT_TRUE(room.has_room_for(afresh, open(0)));
  EXPECT_FALSE(room.has_room_for(afresh, {1, 1, 0})) << "one is being opened";
  room.note_session(1);
  EXPECT_FALSE(room.has_room_for(afresh, open(0)));
}

TEST_F(SessionRoomTest, ARefusalBesideOthersIsALimitForSiblingsToo) {
  fill(room, 2);
  SessionRoom sibling{3, learnt, key};
  EXPECT_EQ(room.note_refused(2), Refusal::full);
  EXPECT_FALSE(takes_session(room, open(2)));
  EXPECT_EQ(room.limit(), 2u);
  EXPECT_FALSE(takes_session(sibling, open(2)));
  EXPECT_EQ(sibling.limit(), 3u);
  sibling.look_at_learnt();
  EXPECT_EQ(sibling.limit(), 2u);
  EXPECT_EQ(SessionRoom(3, learnt, key).limit(), 2u);
}

TEST_F(SessionRoomTest, WhatItOnceTookItTakesAgainWhenOneHasGone) {
  fill(room, 3);
  EXPECT_EQ(room.note_refused(1), Refusal::full) << "two that are gone for us were not wound up";
  EXPECT_FALSE(takes_session(room, open(1)));
  room.note_free();
  EXPECT_TRUE(takes_session(room, open(2)));
  EXPECT_EQ(learnt.sessions_at_a_time.of(key.policy), 3u);
}

TEST_F(SessionRoomTest, ARefusalBesideNoneButAfterOthersIsALimitOfItsLife) {
  room.note_session(1);
  EXPECT_EQ(room.note_refused(0), Refusal::spent);
}

TEST_F(SessionRoomTest, ARefusalOnAFreshOneIsReal) {
  learnt.sessions_at_a_time.learn(key.policy, 1);
  EXPECT_EQ(room.note_refused(0), Refusal::real);
  EXPECT_EQ(learnt.sessions_at_a_time.of(key.policy), std::nullopt) << "it was no limit";
}

TEST_F(SessionRoomTest, IsSpentWhenAsManyHaveEnded) {
  learnt.sessions_in_life.learn(key.policy, 2);
  EXPECT_TRUE(takes_session(room, open(1)));
  EXPECT_FALSE(takes_session(room, open(2)));
  fill(room, 2);
  EXPECT_FALSE(room.is_spent(2));
  EXPECT_FALSE(room.is_spent(1));
  EXPECT_TRUE(room.is_spent(0));
  EXPECT_FALSE(takes_session(room, open(0)));
}

TEST_F(SessionRoomTest, OneThatWasLeftOverASessionHasALimitOfItsLife) {
  room.note_left();
  EXPECT_EQ(learnt.sessions_in_life.of(key.policy), std::nullopt) << "there was none before";
  fill(room, 2);
  room.note_left();
  EXPECT_EQ(learnt.sessions_in_life.of(key.policy), 2u);
}

TEST_F(SessionRoomTest, MoreSessionsThanWereThoughtDisproveALimit) {
  learnt.sessions_at_a_time.learn(key.policy, 1);
  learnt.sessions_in_life.learn(key.policy, 2);
  fill(room, 2);
  EXPECT_EQ(learnt.sessions_at_a_time.of(key.policy), std::nullopt);
  EXPECT_EQ(learnt.sessions_in_life.of(key.policy), 2u);
  room.note_session(1);
  EXPECT_EQ(learnt.sessions_in_life.of(key.policy), std::nullopt);
}

}  // namespace
}  // namespace sallyport::mux
