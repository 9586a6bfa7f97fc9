// The pause after a refused login, on its own.
#include "mux/targets/login_breaker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"

namespace sallyport::mux {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct LoginBreakerTest : ::testing::Test {
  static ShareKey key(const std::string& user, const std::string& policy = "p") {
    ShareKey result;
    result.user = user;
    ResolvedTarget target;
    target.name = policy;
    result.policy = SharedTarget(target);
    return result;
  }
  Duration fail(const std::string& user, const std::string& target = "web1") {
    return breaker.note_failure(key(user), {}, target, {Errc::denied, "told", "detail"});
  }
  fakes::FakeClock clock;
  LoginBreaker breaker{clock};
};

TEST_F(LoginBreakerTest, PausesGrowAndExpire) {
  for (const int expected : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(fail("alice"), seconds(expected));
    ASSERT_TRUE(breaker.pause_of(key("alice"), std::nullopt));
    EXPECT_EQ(breaker.pause_of(key("alice"), std::nullopt)->left, seconds(expected));
    clock.advance(seconds(expected));
    EXPECT_FALSE(breaker.pause_of(key("alice"), std::nullopt)) << "one attempt is free";
  }
}

TEST_F(LoginBreakerTest, FailuresOfOneMomentAreOne) {
  for (int i = 0; i < 6; ++i) EXPECT_EQ(fail("alice"), seconds(1));
}

TEST_F(LoginBreakerTest, TimeHeals) {
  for (int i = 0; i < 5; ++i) clock.advance(fail("alice"));
  clock.advance(LoginBreaker::kRemembered + milliseconds(1));
  EXPECT_EQ(fail("alice"), seconds(1));
}

TEST_F(LoginBreakerTest, ASuccessHeals) {
  for (int i = 0; i < 5; ++i) clock.advance(fail("alice"));
  breaker.note_success(key("alice"), std::nullopt);
  EXPECT_EQ(fail("alice"), seconds(1));
}

TEST_F(LoginBreakerTest, OneWhoFailsEverywhereEndsNobodyElsesPause) {
  fail("alice");
  for (std::size_t i = 0; i < LoginBreaker::kMaximumEntries + 10; ++i)
    breaker.note_failure(key("mallory", std::to_string(i)), {}, "web2", {Errc::denied, "told", "detail"});
  EXPECT_TRUE(breaker.pause_of(key("alice"), std::nullopt));
}

TEST_F(LoginBreakerTest, AReloadEndsPausesAndForgets) {
  for (int i = 0; i < 5; ++i) clock.advance(fail("alice"));
  fail("alice");
  breaker.end_all();
  EXPECT_FALSE(breaker.pause_of(key("alice"), std::nullopt));
  EXPECT_EQ(fail("alice"), seconds(1));
}

TEST_F(LoginBreakerTest, UsersAndPoliciesAreApart) {
  fail("alice");
  EXPECT_FALSE(breaker.pause_of(key("bob"), std::nullopt));
  EXPECT_FALSE(breaker.pause_of(key("alice", "another policy"), std::nullopt));
}

TEST_F(LoginBreakerTest, WhatOneClientBringsAlongPausesNobodyElse) {
  UpstreamClient first;
  first.connection = ConnectionId{1};
  breaker.note_failure(key("alice"), first, "web1", {Errc::denied, "told", "detail", true});
  EXPECT_TRUE(breaker.pause_of(key("alice"), ConnectionId{1}));
  EXPECT_FALSE(breaker.pause_of(key("alice"), ConnectionId{2}));
  EXPECT_FALSE(breaker.pause_of(key("alice"), std::nullopt)) << "a spare trunk";
  breaker.note_failure(key("alice"), first, "web1", {Errc::denied, "told", "detail"});
  EXPECT_TRUE(breaker.pause_of(key("alice"), ConnectionId{2})) << "what is the bastion's own is everybody's";
  EXPECT_EQ(breaker.end_pauses("web1", "alice"), 2u);
}

TEST_F(LoginBreakerTest, OnlyFailuresThatTheTargetSeesCount) {
  for (const Errc code : {Errc::denied, Errc::host_key, Errc::protocol}) EXPECT_TRUE(LoginBreaker::counts(code));
  for (const Errc code : {Errc::refused, Errc::timeout, Errc::not_found, Errc::io, Errc::closed, Errc::limit})
    EXPECT_FALSE(LoginBreaker::counts(code)) << "a server that is being restarted";
}

TEST_F(LoginBreakerTest, PausesAreListedAndEnded) {
  fail("alice", "web1");
  fail("bob", "web1");
  fail("carol", "web2");
  ASSERT_EQ(breaker.pauses().size(), 3u);
  EXPECT_EQ(breaker.pauses()[0].user, "alice");
  EXPECT_EQ(breaker.pauses()[0].told, "told");
  EXPECT_EQ(breaker.end_pauses("web1", "bob"), 1u);
  EXPECT_EQ(breaker.end_pauses("web1", ""), 1u);
  EXPECT_EQ(breaker.pauses().size(), 1u);
  clock.advance(seconds(1));
  EXPECT_TRUE(breaker.pauses().empty());
  EXPECT_EQ(breaker.end_pauses("web2", ""), 0u);
}

TEST_F(LoginBreakerTest, IsBounded) {
  for (std::size_t i = 0; i < LoginBreaker::kMaximumEntries + 100; ++i) fail("user" + std::to_string(i));
  EXPECT_EQ(breaker.pauses().size(), LoginBreaker::kMaximumEntries);
}

TEST(InSeconds, RoundsUp) {
  EXPECT_EQ(in_seconds(milliseconds(1)), "1 s");
  EXPECT_EQ(in_seconds(milliseconds(1001)), "2 s");
  EXPECT_EQ(in_seconds(minutes(1)), "60 s");
}

}  // namespace
}  // namespace sallyport::mux
