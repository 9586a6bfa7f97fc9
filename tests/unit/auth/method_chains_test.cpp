// Partial success: which methods are left after which.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "auth/factors/method_chains.hpp"

namespace sallyport::auth {
namespace {

using Names = std::vector<std::string>;

TEST(MethodChainsTest, OneMethodIsEnoughWhereItIsAnAlternative) {
  MethodChains chains({"publickey", "password"});
  EXPECT_EQ(chains.can_continue(), (Names{"publickey", "password"}));
  EXPECT_FALSE(chains.complete());
  chains.pass("password");
  EXPECT_TRUE(chains.complete());
  EXPECT_EQ(chains.text(), "password");
  EXPECT_TRUE(chains.can_continue().empty());
}

TEST(MethodChainsTest, AChainIsPassedInItsOrder) {
  MethodChains chains({"publickey+keyboard-interactive"});
  EXPECT_TRUE(chains.allows("publickey"));
  EXPECT_FALSE(chains.allows("keyboard-interactive"));
  chains.pass("publickey");
  EXPECT_FALSE(chains.complete());
  EXPECT_FALSE(chains.allows("publickey"));
  EXPECT_EQ(chains.can_continue(), Names{"keyboard-interactive"});
  chains.pass("keyboard-interactive");
  EXPECT_TRUE(chains.complete());
  EXPECT_EQ(chains.text(), "publickey+keyboard-interactive");
}

TEST(MethodChainsTest, AMethodCountsForAllAlternativesThatBeginWithIt) {
  MethodChains chains({"publickey+password", "publickey+keyboard-interactive", "password+keyboard-interactive"});
  EXPECT_EQ(chains.can_continue(), (Names{"publickey", "password"}));
  chains.pass("publickey");
  EXPECT_EQ(chains.can_continue(), (Names{"password", "keyboard-interactive"}));
  chains.pass("password");
  EXPECT_TRUE(chains.complete());  // the first
}

TEST(MethodChainsTest, AnAlternativeThatBeginsOtherwiseStaysOpen) {
  MethodChains chains({"publickey+password", "keyboard-interactive"});
  chains.pass("publickey");
  EXPECT_EQ(chains.can_continue(), (Names{"password", "keyboard-interactive"}));
  chains.pass("keyboard-interactive");
  EXPECT_TRUE(chains.complete());
  EXPECT_EQ(chains.text(), "publickey+keyboard-interactive");
}

TEST(MethodChainsTest, NothingIsNoChain) {
  for (const Names& alternatives : {Names{}, Names{""}, Names{"+"}, Names{"", "++"}}) {
    const MethodChains chains(alternatives);
    EXPECT_FALSE(chains.complete());
    EXPECT_TRUE(chains.can_continue().empty());
    EXPECT_FALSE(chains.allows(""));
    EXPECT_FALSE(chains.allows("none"));
  }
}

TEST(MethodChainsTest, KnowsWhatIsStillAhead) {
  MethodChains chains({"publickey+keyboard-interactive", "password"});
  EXPECT_TRUE(chains.leads_to("keyboard-interactive"));
  EXPECT_TRUE(chains.leads_to("password"));
  EXPECT_FALSE(chains.leads_to("hostbased"));
  chains.pass("publickey");
  EXPECT_FALSE(chains.leads_to("publickey"));
  EXPECT_TRUE(chains.has_passed("publickey"));
}

}  // namespace
}  // namespace sallyport::auth
