// Whom a trunk serves when a person has answered its login.
#include "mux/targets/answered_logins.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sallyport::mux {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{};
constexpr ConnectionId kAlice{1};
constexpr ConnectionId kOther{2};

TEST(AnsweredLoginsTest, ServesEverybodyWhereNobodyHasAnswered) {
  EXPECT_TRUE(AnsweredLogins().serve(kOther, kStart));
  EXPECT_TRUE(AnsweredLogins().serve(std::nullopt, kStart));
}

TEST(AnsweredLoginsTest, ServesOthersForAWhileAndWhoHasAnsweredForGood) {
  AnsweredLogins logins;
  logins.add(kAlice, kStart + seconds(60));
  EXPECT_TRUE(logins.serve(kOther, kStart + seconds(59)));
  EXPECT_FALSE(logins.serve(kOther, kStart + seconds(60)));
  EXPECT_TRUE(logins.serve(kAlice, kStart + seconds(60)));
}

TEST(AnsweredLoginsTest, WhoIsNobodysConnectionHasAnsweredNothing) {
  AnsweredLogins logins;
  logins.add(std::nullopt, kStart + seconds(60));
  EXPECT_TRUE(logins.serve(std::nullopt, kStart));
  EXPECT_FALSE(logins.serve(std::nullopt, kStart + seconds(60)));
}

TEST(AnsweredLoginsTest, EveryLoginOnTheWayCounts) {
  AnsweredLogins before;
  before.add(kOther, kStart + seconds(10));
  AnsweredLogins logins;
  logins.add(kAlice, kStart + seconds(60));
  logins.add(before);
  EXPECT_TRUE(logins.serve(kAlice, kStart + seconds(9)));
  EXPECT_FALSE(logins.serve(kAlice, kStart + seconds(10))) << "somebody else answered the one before";
}

}  // namespace
}  // namespace sallyport::mux
