#include "log/records.hpp"

#include <string>

#include <gtest/gtest.h>

#include "../../fakes/fake_clock.hpp"
#include "../../fakes/memory_logger.hpp"

namespace sallyport::log {
namespace {

class CountingTrail final : public AuditTrail {
 public:
  bool enabled() const override { return true; }
  bool healthy() const override { return true; }
  void record(const AuditEvent& event) override { event.name() == "suppressed" ? ++sums : ++events; }
  std::size_t events = 0;
  std::size_t sums = 0;
};

class RecordsTest : public testing::Test {
 protected:
  std::size_t written(Records::Note note) {
    note.info("something").record(AuditEvent("refuse"));
    return note ? 1 : 0;
  }
  std::size_t of_source(const std::string& source, int times = 1) {
    std::size_t count = 0;
    while (times-- > 0) count += written(records_.of_source(source));
    return count;
  }

  fakes::FakeClock clock_;
  fakes::MemoryLogger log_;
  CountingTrail audit_;
  Records records_{log_, audit_, clock_};
};

TEST_F(RecordsTest, SaysHowManyWereLeftOut) {
  const std::size_t count = of_source("10.0.0.1/32", 1000);
  EXPECT_GT(count, 50U);
  EXPECT_LT(count, 500U);
  EXPECT_EQ(audit_.events, count);
  EXPECT_FALSE(log_.has("suppressed"));
  clock_.advance(Records::kSumUpAfter);
  EXPECT_TRUE(log_.has(std::to_string(1000 - count) + " more records suppressed source=\"10.0.0.1/32\""));
  EXPECT_EQ(audit_.sums, 1U);
  clock_.advance(Records::kSumUpAfter);
  EXPECT_EQ(audit_.sums, 1U);
}

TEST_F(RecordsTest, NobodyUsesUpWhatOthersHave) {
  of_source("10.0.0.1/32", 10000);
  for (int i = 0; i < 10000; ++i) static_cast<void>(written(records_.refusal("mallory", ConnectionId{1})));
  EXPECT_EQ(of_source("10.0.0.2/32"), 1U);
  EXPECT_TRUE(records_.refusal("alice", ConnectionId{2}));
  EXPECT_TRUE(records_.detail("mallory"));
}

TEST_F(RecordsTest, OneConnectionLeavesSomethingToTheOthersOfItsUser) {
  for (int i = 0; i < 10000; ++i) static_cast<void>(written(records_.refusal("alice", ConnectionId{1})));
  EXPECT_FALSE(records_.refusal("alice", ConnectionId{1}));
  EXPECT_TRUE(records_.refusal("alice", ConnectionId{2}));
}

TEST_F(RecordsTest, ManyConnectionsOfAUserGetOneSum) {
  for (std::uint64_t i = 0; i < 10000; ++i) static_cast<void>(written(records_.refusal("alice", ConnectionId{i})));
  clock_.advance(Records::kSumUpAfter);
  EXPECT_EQ(audit_.sums, 1U);
}

TEST_F(RecordsTest, TimeFillsItAgain) {
  of_source("10.0.0.1/32", 1000);
  EXPECT_EQ(of_source("10.0.0.1/32"), 0U);
  clock_.advance(std::chrono::minutes(2));
  EXPECT_GT(of_source("10.0.0.1/32", 1000), 50U);
}

TEST_F(RecordsTest, DetailsOfActsAreNeverLeftOut) {
  for (int i = 0; i < 10000; ++i) {
    EXPECT_EQ(written(records_.detail("alice")), 1U);
    records_.note_act("alice");
    EXPECT_EQ(of_source("10.0.0.1/32"), 1U);
    records_.note_login("10.0.0.1/32");
  }
}

TEST_F(RecordsTest, HasABoundWhateverTheNumberOfSources) {
  std::size_t count = 0;
  for (int i = 0; i < 100000; ++i) count += of_source("2001:db8::" + std::to_string(i) + "/64");
  EXPECT_LT(count, 10000U);  // at some 170 bytes and more each
  clock_.advance(Records::kSumUpAfter);
  EXPECT_EQ(audit_.sums, 1U);
  clock_.advance(std::chrono::minutes(10));  // those are forgotten, and there is room again
  EXPECT_EQ(of_source("10.0.0.1/32"), 1U);
}

TEST_F(RecordsTest, SaysTheSumAtTheEndToo) {
  {
    Records records(log_, audit_, clock_);
    for (int i = 0; i < 1000; ++i) static_cast<void>(written(records.of_source("10.0.0.1/32")));
  }
  EXPECT_TRUE(log_.has("suppressed"));
}

TEST_F(RecordsTest, ANoteEscapesEveryTextThatIsGivenBare) {
  records_.of_source("10.0.0.1/32").info("{} {}", std::string("a\n\x1b"), plain("it can't"));
  EXPECT_EQ(log_.lines().back(), "info a\\n\\x1b it can't");
}

TEST_F(RecordsTest, ALineHasABoundWhateverIsPutInIt) {
  records_.of_source("10.0.0.1/32").info("{}", plain(std::string(100000, 'x')));
  log_.info("{}", plain(std::string(100000, 'x')));
  for (const std::string& line : log_.lines()) EXPECT_LE(line.size(), Logger::kLineBytes + 10);
  EXPECT_EQ(log_.lines().size(), 2U);
}

}  // namespace
}  // namespace sallyport::log
