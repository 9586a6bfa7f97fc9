// The way to a login, without a pool and trunks around it.
#include "mux/upstream/trunk_login.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mux/upstream/channel_wish.hpp"
#include "pool_stand_in.hpp"

namespace sallyport::mux {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ConnectionId kAlice{1};
constexpr ConnectionId kOther{2};

ResolvedTarget target(const std::string& name) {
  ResolvedTarget target;
  target.name = name;
  target.host = name + ".example";
  target.options.connect_timeout = seconds(10);
  return target;
}

TrunkIdentity identity(ResolvedTarget target) {
  TrunkIdentity identity;
  identity.id = TrunkId{1};
  identity.access.key.user = identity.access.client.user = "alice";
  identity.access.client.connection = kAlice;
  identity.access.key.policy = SharedTarget(std::move(target));
  return identity;
}

/// One login, and what it tells.
struct Watched final : TrunkLoginEvents {
  Watched(PoolParts& parts, ResolvedTarget target)
      : trunk(identity(std::move(target))), login(parts, trunk, static_cast<TrunkLoginEvents&>(*this)) {}
  void on_login_turn() override { told.push_back("turn"); }
  void on_logged_in(LoggedIn logged_in) override {
    told.push_back("logged in");
    outcome = std::move(logged_in);
  }
  void on_login_failed(const UpstreamFailure& why) override { told.push_back("failed: " + why.told); }

  std::vector<std::string> told;
  std::optional<LoggedIn> outcome;
  TrunkIdentity trunk;
  TrunkLogin login;
};

/// Somebody at whose terminal questions can be asked.
struct Asked final : ChannelWishEvents {
  void on_wish_granted(Channel&, TrunkId) override {}
  void on_wish_failed(wire::OpenFailureReason, Told) override {}
  void on_question(UpstreamAnswers&, const UpstreamQuestion& question) override { questions.push_back(question.prompts[0].text); }
  std::vector<std::string> questions;
};

struct TrunkLoginTest : testing::Test {
  static PoolLimits one_at_a_time() {
    PoolLimits limits;
    limits.logins_per_target = 1;
    return limits;
  }
  Watched& watch(const ResolvedTarget& to) { return watched.emplace_back(pool.parts, to); }
  UpstreamQuestion code() { return {"", "", {{"Code: ", false}}}; }

  PoolStandIn pool{one_at_a_time()};
  std::deque<Watched> watched;
  Watched& web = watch(target("web1"));
};

TEST_F(TrunkLoginTest, BeginsAtOnceWhereThereIsRoom) {
  EXPECT_TRUE(web.login.begin());
  EXPECT_EQ(pool.connector.dials.size(), 1u);
  EXPECT_THAT(web.told, IsEmpty());
}

TEST_F(TrunkLoginTest, WaitsForItsTurn) {
  ASSERT_TRUE(web.login.begin());
  Watched& next = watch(target("web1"));
  EXPECT_FALSE(next.login.begin());
  EXPECT_EQ(pool.connector.dials.size(), 1u);
  web.login.give_up();
  EXPECT_THAT(next.told, IsEmpty());
  pool.clock.advance(LoginQueue::kSettling);
  EXPECT_THAT(next.told, ElementsAre("turn"));
  EXPECT_EQ(pool.connector.dials.size(), 2u);
  EXPECT_THAT(web.told, IsEmpty()) << "it was given up";
}

TEST_F(TrunkLoginTest, FailsWithoutATurnInTime) {
  ASSERT_TRUE(web.login.begin());
  Watched& next = watch(target("web1"));
  ASSERT_FALSE(next.login.begin());
  pool.clock.advance(seconds(10));
  EXPECT_THAT(next.told, ElementsAre(HasSubstr("too many logins there at the same time")));
}

TEST_F(TrunkLoginTest, HandsOverTheConnectionAndTheTurn) {
  web.login.begin();
  pool.connector.succeed(0);
  ASSERT_THAT(web.told, ElementsAre("logged in"));
  EXPECT_NE(web.outcome->transport, nullptr);
  EXPECT_NE(web.outcome->turn, nullptr);
  EXPECT_EQ(web.outcome->hop, nullptr);
  EXPECT_FALSE(watch(target("web1")).login.begin()) << "the turn is still its own";
}

TEST_F(TrunkLoginTest, AServerThatIsNotThereNeedsNoTimeToSettle) {
  web.login.begin();
  Watched& next = watch(target("web1"));
  ASSERT_FALSE(next.login.begin());
  pool.connector.fail(0, "target web1 can't be reached: connection refused");
  EXPECT_THAT(web.told, ElementsAre("failed: target web1 can't be reached: connection refused"));
  pool.clock.turn();
  EXPECT_THAT(next.told, ElementsAre("turn"));
}

TEST_F(TrunkLoginTest, GivenUpItDropsTheAttempt) {
  web.login.begin();
  web.login.give_up();
  EXPECT_TRUE(pool.connector.dials[0].given_up);
  EXPECT_THAT(web.told, IsEmpty());
}

TEST_F(TrunkLoginTest, AsksItsOpenerAndGivesTheTurnBackMeanwhile) {
  Asked client;
  ChannelWish wish(pool.parts, web.trunk.access, {}, client);
  web.login.begin();
  web.login.set_opener(wish);
  EXPECT_EQ(web.login.asker_of(wish), nullptr);
  pool.connector.ask(0, code());
  EXPECT_THAT(client.questions, ElementsAre("Code: "));
  EXPECT_EQ(web.login.asker_of(wish), pool.connector.dials[0].attempt);
  EXPECT_TRUE(web.login.awaits_answer());
  pool.clock.advance(LoginQueue::kSettling);
  EXPECT_TRUE(watch(target("web1")).login.begin());
  pool.connector.succeed(0);
  EXPECT_EQ(web.outcome->turn, nullptr);
}

TEST_F(TrunkLoginTest, WhoHasGoneAnswersNothing) {
  Asked client;
  ChannelWish wish(pool.parts, web.trunk.access, {}, client);
  web.login.begin();
  web.login.set_opener(wish);
  pool.connector.ask(0, code());
  web.login.forget(wish);
  EXPECT_THAT(pool.connector.dials[0].answers,
              ElementsAre("no agent: the client has gone", "no answer: the question that it asks was not answered"));
  pool.connector.ask(0, code());
  EXPECT_THAT(pool.connector.dials[0].answers.back(), HasSubstr("the client that it was for has gone"));
  EXPECT_EQ(client.questions.size(), 1u);
}

TEST_F(TrunkLoginTest, WithoutReuseItServesWhoHasAnsweredAlone) {
  Watched& strict = watch([] {
    ResolvedTarget once = target("web2");
    once.options.reuse_after_mfa = Duration::zero();
    return once;
  }());
  Asked client;
  ChannelWish wish(pool.parts, strict.trunk.access, {}, client);
  strict.login.begin();
  strict.login.set_opener(wish);
  EXPECT_TRUE(strict.login.serves(kOther));
  pool.connector.ask(0, code());
  EXPECT_FALSE(strict.login.serves(kOther));
  EXPECT_TRUE(strict.login.serves(kAlice));
  pool.connector.succeed(0);
  EXPECT_FALSE(strict.outcome->answered.serve(kOther, pool.clock.now()));
  EXPECT_TRUE(strict.outcome->answered.serve(kAlice, pool.clock.now()));
}

TEST_F(TrunkLoginTest, FailsWithTheTrunkInBetween) {
  ResolvedTarget far = target("far");
  far.via = SharedTarget(target("gate"));
  Watched& carried = watch(far);
  pool.on_place = [](TrunkWaiter& wish) {
    EXPECT_EQ(wish.target().name, "gate");
    EXPECT_EQ(wish.use().kind, TrunkUse::Kind::forward);
    wish.fail_later(wire::OpenFailureReason::connect_failed, Told("target gate can't be reached: connection refused"));
  };
  EXPECT_TRUE(carried.login.begin());
  EXPECT_THAT(carried.told, IsEmpty());
  pool.clock.turn();
  EXPECT_THAT(carried.told, ElementsAre("failed: target far can't be reached: via gate: connection refused"));
  EXPECT_THAT(pool.connector.dials, IsEmpty());
}

}  // namespace
}  // namespace sallyport::mux
