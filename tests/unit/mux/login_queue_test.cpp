// Turns to log in at a target.
#include "mux/targets/login_queue.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"

namespace sallyport::mux {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Turn = std::unique_ptr<LoginQueue::Turn>;

struct LoginQueueTest : ::testing::Test {
  Turn ask(const std::string& user, const std::string& address = "web1:22") {
    return queue.ask(address, user, [this, user] { begun.push_back(user); });
  }
  fakes::FakeClock clock;
  LoginQueue queue{clock, 4};
  std::vector<std::string> begun;
};

TEST_F(LoginQueueTest, GivesTurnsAtOnceWhileThereIsRoom) {
  const Turn one = ask("alice");
  const Turn two = ask("bob");
  EXPECT_TRUE(one->has_come());
  EXPECT_TRUE(two->has_come());
  clock.turn();
  EXPECT_THAT(begun, IsEmpty()) << "whoever has a turn at once isn't called";
}

TEST_F(LoginQueueTest, OthersWaitUntilATurnIsOver) {
  std::vector<Turn> turns;
  for (const char* user : {"a", "b", "c", "d"}) turns.push_back(ask(user));
  const Turn late = ask("e");
  EXPECT_FALSE(late->has_come());
  EXPECT_EQ(queue.waiting("web1:22"), 1u);
  turns.front()->note_settled();
  turns.erase(turns.begin());
  EXPECT_THAT(begun, IsEmpty()) << "not inside the call that made room";
  clock.turn();
  EXPECT_THAT(begun, ElementsAre("e"));
  EXPECT_TRUE(late->has_come());
}

TEST_F(LoginQueueTest, AnEndedLoginCountsForAMomentLonger) {
  std::vector<Turn> turns;
  for (const char* user : {"a", "b", "c", "d"}) turns.push_back(ask(user));
  const Turn late = ask("e");
  const Turn later = ask("f");
  turns.pop_back();
  clock.advance(LoginQueue::kSettling / 2);
  turns.pop_back();
  clock.advance(LoginQueue::kSettling / 2 - Duration(1));
  EXPECT_THAT(begun, IsEmpty());
  clock.advance(Duration(1));
  EXPECT_THAT(begun, ElementsAre("e"));
  clock.advance(LoginQueue::kSettling / 2);
  EXPECT_THAT(begun, ElementsAre("e", "f"));
}

TEST_F(LoginQueueTest, OneUserNeverHasAllPlaces) {
  std::vector<Turn> alice;
  for (int i = 0; i < 10; ++i) alice.push_back(ask("alice"));
  EXPECT_EQ(queue.waiting("web1:22"), 7u) << "three of four";
  const Turn bob = ask("bob");
  clock.turn();
  EXPECT_TRUE(bob->has_come());
  EXPECT_THAT(begun, ElementsAre("bob"));
}

TEST_F(LoginQueueTest, UsersWithFewerLoginsUnderWayComeFirst) {
  std::vector<Turn> turns;
  for (int i = 0; i < 3; ++i) turns.push_back(ask("alice"));
  turns.push_back(ask("bob"));
  std::vector<Turn> waiting;
  for (const char* user : {"alice", "alice", "bob", "carol"}) waiting.push_back(ask(user));
  for (int i = 0; i < 4; ++i) {
    turns.erase(turns.begin());  // alice's three, then bob's
    clock.advance(LoginQueue::kSettling);
  }
  EXPECT_THAT(begun, ElementsAre("carol", "alice", "alice", "bob"));
}

TEST_F(LoginQueueTest, AddressesDoNotDisturbEachOther) {
  std::vector<Turn> turns;
  for (const char* user : {"a", "b", "c", "d"}) turns.push_back(ask(user));
  EXPECT_TRUE(ask("e", "web2:22")->has_come());
}

TEST_F(LoginQueueTest, GivenUpTurnsAreSkipped) {
  std::vector<Turn> turns;
  for (const char* user : {"a", "b", "c", "d"}) turns.push_back(ask(user));
  Turn gone = ask("e");
  const Turn next = ask("f");
  gone.reset();
  turns.pop_back();
  clock.advance(LoginQueue::kSettling);
  EXPECT_THAT(begun, ElementsAre("f"));
}

TEST_F(LoginQueueTest, ATurnMayEndWithinItsBeginning) {
  std::vector<Turn> turns;
  for (const char* user : {"a", "b", "c", "d"}) turns.push_back(ask(user));
  std::vector<Turn> waiting(5);
  int served = 0;
  for (Turn& turn : waiting)
    turn = queue.ask("web1:22", "x", [&turn, &served] {
      ++served;
      turn.reset();
    });
  turns.pop_back();
  clock.advance(5 * LoginQueue::kSettling);
  EXPECT_EQ(served, 5) << "each gave its place to the next";
  EXPECT_EQ(queue.waiting("web1:22"), 0u);
}

TEST_F(LoginQueueTest, ASingleTurnAtATimeWorksAsWell) {
  LoginQueue narrow(clock, 1);
  Turn one = narrow.ask("x", "alice", [] {});
  bool begun_two = false;
  const Turn two = narrow.ask("x", "alice", [&begun_two] { begun_two = true; });
  EXPECT_TRUE(one->has_come());
  EXPECT_FALSE(two->has_come());
  one.reset();
  clock.advance(LoginQueue::kSettling);
  EXPECT_TRUE(begun_two);
}

}  // namespace
}  // namespace sallyport::mux
