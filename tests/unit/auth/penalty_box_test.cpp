#include "auth/limits/penalty_box.hpp"

#include <gtest/gtest.h>

#include "auth/limits/slot_counter.hpp"
#include "auth/limits/source_block.hpp"

namespace sallyport::auth {
namespace {

using std::chrono::seconds;

class PenaltyBoxTest : public ::testing::Test {
 protected:
  PenaltyBoxTest() { box_.configure(settings_); }
  auto offend(Offence what, const std::string& address = "10.0.0.1") { return box_.add(address + "/32", address, what, now_); }
  bool out(const std::string& address = "10.0.0.1") { return box_.keeps_out(address + "/32", address, now_); }

  Penalties settings_;  // auth_failure 5 s, min 15 s, max 10 min
  PenaltyBox box_;
  TimePoint now_{std::chrono::hours(1)};
};

TEST_F(PenaltyBoxTest, AddsUpAndBeginsAtTheMinimum) {
  EXPECT_FALSE(offend(Offence::auth_failure));
  EXPECT_FALSE(offend(Offence::auth_failure));
  EXPECT_FALSE(out());
  const auto begun = offend(Offence::auth_failure);
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->left, seconds(15));
  EXPECT_EQ(begun->offences, 3U);
  EXPECT_TRUE(out());
  EXPECT_FALSE(out("10.0.0.2"));
  EXPECT_FALSE(offend(Offence::auth_failure)) << "it has begun already";
}

TEST_F(PenaltyBoxTest, Expires) {
  offend(Offence::crash);
  now_ += seconds(89);
  EXPECT_TRUE(out());
  now_ += seconds(1);
  EXPECT_FALSE(out());
  EXPECT_TRUE(box_.entries(now_).empty());
  EXPECT_FALSE(offend(Offence::auth_failure)) << "it begins anew";
}

TEST_F(PenaltyBoxTest, GrowsNoFurtherThanTheMaximum) {
  for (int i = 0; i < 100; ++i) offend(Offence::crash);
  EXPECT_EQ(box_.entries(now_).at(0).left, std::chrono::minutes(10));
}

TEST_F(PenaltyBoxTest, ForgetsTheOneThatEndsFirstWhenItIsFull) {
  settings_.max_sources = 2;
  box_.configure(settings_);
  offend(Offence::crash, "10.0.0.1");
  offend(Offence::grace_exceeded, "10.0.0.2");
  offend(Offence::crash, "10.0.0.3");
  ASSERT_EQ(box_.entries(now_).size(), 2U);
  EXPECT_TRUE(out("10.0.0.1"));
  EXPECT_TRUE(out("10.0.0.3"));
}

TEST_F(PenaltyBoxTest, NobodyIsLetInAgainByOthersWhoAreNotKeptOut) {
  settings_.max_sources = 10;
  box_.configure(settings_);
  offend(Offence::crash);
  now_ += seconds(88);  // it would be the first to be forgotten
  for (int i = 2; i < 100; ++i) offend(Offence::auth_failure, "10.0.0." + std::to_string(i));
  EXPECT_EQ(box_.entries(now_).size(), 10U);
  EXPECT_TRUE(out());
}

TEST_F(PenaltyBoxTest, SparesWhoIsExempt) {
  settings_.exempt = {"10.0.0.0/24"};
  box_.configure(settings_);
  EXPECT_FALSE(offend(Offence::crash));
  EXPECT_FALSE(out());
  EXPECT_TRUE(offend(Offence::crash, "10.0.1.1"));
}

TEST_F(PenaltyBoxTest, AnExemptionHoldsForWhoIsInAlready) {
  offend(Offence::crash);
  settings_.exempt = {"10.0.0.1"};
  box_.configure(settings_);
  EXPECT_FALSE(out());
}

TEST_F(PenaltyBoxTest, CanBeLiftedAndSwitchedOff) {
  offend(Offence::crash, "10.0.0.1");
  offend(Offence::crash, "10.0.0.2");
  EXPECT_EQ(box_.lift("10.0.0.1/32"), 1U);
  EXPECT_EQ(box_.lift("10.0.0.1/32"), 0U);
  EXPECT_FALSE(out("10.0.0.1"));
  EXPECT_EQ(box_.lift_all(), 1U);
  settings_.enabled = false;
  box_.configure(settings_);
  EXPECT_FALSE(offend(Offence::crash));
}

TEST_F(PenaltyBoxTest, AnOffenceThatCostsNothingIsNotNoted) {
  settings_.no_auth = Duration::zero();
  box_.configure(settings_);
  offend(Offence::no_auth);
  offend(Offence::none);
  EXPECT_TRUE(box_.entries(now_).empty());
}

TEST(SourceBlock, MasksByFamily) {
  Limits limits;
  EXPECT_EQ(source_block("10.1.2.3", limits), "10.1.2.3/32");
  EXPECT_EQ(source_block("2001:db8:1:2:3::4", limits), "2001:db8:1:2::/64");
  EXPECT_EQ(source_block("::ffff:10.1.2.3", limits), "10.1.2.3/32");
  limits.source_prefix_ipv4 = 20;
  limits.source_prefix_ipv6 = 0;
  EXPECT_EQ(source_block("10.1.47.3", limits), "10.1.32.0/20");
  EXPECT_EQ(source_block("2001:db8::1", limits), "::/0");
  EXPECT_EQ(source_block("nonsense", limits), "unknown");
}

TEST(SlotCounter, CountsWhatIsHeld) {
  SlotCounter counter;
  auto first = counter.take("a");
  auto copy = first;
  const auto second = counter.take("a");
  EXPECT_EQ(counter.count("a"), 2U);
  EXPECT_EQ(counter.count("b"), 0U);
  first.reset();
  EXPECT_EQ(counter.count("a"), 2U);
  copy.reset();
  EXPECT_EQ(counter.count("a"), 1U);
}

TEST(SlotCounter, MayGoBeforeItsSlots) {
  SlotCounter::Slot slot;
  {
    SlotCounter counter;
    slot = counter.take("a");
  }
  slot.reset();
}

}  // namespace
}  // namespace sallyport::auth
