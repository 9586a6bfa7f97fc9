// Wishes for a trunk that comes to nothing: when that is told, and what is told.
#include "mux/upstream/trunk_waiter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mux/upstream/channel_wish.hpp"
#include "mux/upstream/trunk_hold.hpp"
#include "pool_stand_in.hpp"

namespace sallyport::mux {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct TrunkWaiterTest : testing::Test {
  struct Wisher final : ChannelWishEvents {
    explicit Wisher(std::vector<std::string>& lines) : told(lines) {}
    void on_wish_granted(Channel&, TrunkId) override { told.push_back("granted"); }
    void on_wish_failed(wire::OpenFailureReason, Told why) override { told.push_back("no channel: " + std::string(why.text())); }
    std::vector<std::string>& told;
  };
  struct Holder final : TrunkHoldEvents {
    explicit Holder(std::vector<std::string>& lines) : told(lines) {}
    void on_held(Trunk&) override { told.push_back("held"); }
    void on_hold_failed(Told why) override { told.push_back("no hold: " + std::string(why.text())); }
    void on_hold_lost(Told) override { told.push_back("lost"); }
    std::vector<std::string>& told;
  };
  TrunkWaiterTest() {
    pool.on_place = [](TrunkWaiter& waiter) { waiter.fail_later(wire::OpenFailureReason::resource_shortage, Told("too many")); };
    ResolvedTarget target;
    target.name = "web1";
    access.key.policy = SharedTarget(target);
    access.client.connection = ConnectionId{1};
  }
  PoolStandIn pool;
  std::vector<std::string> told;
  Wisher wisher{told};
  Holder holder{told};
  TrunkAccess access;
};

TEST_F(TrunkWaiterTest, AWishThatFailsIsToldOnTheNextTurn) {
  ChannelWish wish(pool.parts, access, {}, wisher);
  wish.begin();
  EXPECT_THAT(told, IsEmpty());
  EXPECT_EQ(wish.asked_on(), std::nullopt);
  pool.clock.turn();
  EXPECT_THAT(told, ElementsAre("no channel: too many"));
}

TEST_F(TrunkWaiterTest, SoIsAHold) {
  TrunkHold hold(pool.parts, access, std::nullopt, holder);
  hold.place();
  EXPECT_THAT(told, IsEmpty());
  pool.clock.turn();
  EXPECT_THAT(told, ElementsAre("no hold: too many"));
}

TEST_F(TrunkWaiterTest, WhoGivesItUpIsToldNothing) {
  std::make_unique<TrunkHold>(pool.parts, access, std::nullopt, holder)->place();
  EXPECT_EQ(pool.clock.pending(), 0u);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(TrunkWaiterTest, SaysWhatTheTrunkIsWantedFor) {
  OpenRequest request;
  request.afresh = true;
  const ChannelWish session(pool.parts, access, request, wisher);
  EXPECT_EQ(session.use().kind, TrunkUse::Kind::session);
  EXPECT_TRUE(session.use().afresh);
  request = {"direct-tcpip", 0, {}, TrunkId{4}};
  const ChannelWish forward(pool.parts, access, request, wisher);
  EXPECT_EQ(forward.use().kind, TrunkUse::Kind::forward);
  EXPECT_EQ(forward.use().beside, TrunkId{4});
  const TrunkHold hold(pool.parts, access, TrunkId{5}, holder);
  EXPECT_EQ(hold.use().kind, TrunkUse::Kind::hold);
  EXPECT_EQ(hold.use().beside, TrunkId{5});
}

TEST_F(TrunkWaiterTest, TheJournalIsToldEachStep) {
  ChannelWish wish(pool.parts, access, {}, wisher);
  wish.begin();
  pool.clock.turn();
  EXPECT_THAT(pool.journal.trunk_states, ElementsAre("c1 web1 placing -> failing", "c1 web1 failing -> over"));
}

}  // namespace
}  // namespace sallyport::mux
