// Whoever reads facts gets all of them, whatever the log and the audit trail leave out.
#include "journal/fact_journal.hpp"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"
#include "fakes/memory_logger.hpp"
#include "fakes/recording_trail.hpp"
#include "journal/log_and_trail.hpp"
#include "samples.hpp"

namespace sallyport::journal {
namespace {

/// Counts facts as metrics would.
class CountingReader final : public FactReader {
 public:
  std::map<std::size_t, std::size_t> counts;  // by the fact's place in Fact
  std::size_t refused = 0;
  bool is_healthy = true;
  bool wants_steps = false;

  void read(const Fact& fact) override {
    ++counts[fact.index()];
    if (const auto* const one = std::get_if<facts::ChannelOpenRefused>(&fact); one != nullptr && one->client.user == "alice")
      ++refused;
  }
  bool healthy() const override { return is_healthy; }
  bool follows_steps() const override { return wants_steps; }
};

class FactJournalTest : public ::testing::Test {
 protected:
  const facts::Client client_ = sample_client(ConnectionId{1});
  fakes::FakeClock clock_;
  fakes::MemoryLogger log_;
  fakes::RecordingTrail audit_;
  log::Records records_{log_, audit_, clock_};
  LogAndTrail log_and_trail_{records_};
  CountingReader reader_;
  FactJournal journal_{{&log_and_trail_, &reader_}};
};

TEST_F(FactJournalTest, EachReaderIsToldEachFact) {
  for (const Sample& sample : samples()) sample.cause(journal_, client_, {client_.id, ChannelId{2}, TrunkId{3}}, "x");
  EXPECT_EQ(reader_.counts.size(), std::variant_size_v<Fact>);
}

TEST_F(FactJournalTest, AReaderIsToldWhatTheRatesLeaveOut) {
  for (int i = 0; i < 10000; ++i) journal_.tell(facts::ChannelOpenRefused{client_, "session", "no"});
  EXPECT_LT(log_.lines().size(), 1000U);
  EXPECT_LT(audit_.lines.size(), 1000U);
  EXPECT_EQ(reader_.refused, 10000U);
}

TEST_F(FactJournalTest, NothingMayBeginWhileAReaderLosesFacts) {
  EXPECT_TRUE(journal_.healthy());
  audit_.is_healthy = false;
  EXPECT_FALSE(journal_.healthy());
  audit_.is_healthy = true;
  reader_.is_healthy = false;
  EXPECT_FALSE(journal_.healthy());
}

TEST_F(FactJournalTest, StepsAreFollowedByTheLevelTrace) {
  log_.set_level(log::Level::debug);
  EXPECT_FALSE(journal_.follows_steps());
  log_.set_level(log::Level::trace);
  EXPECT_TRUE(journal_.follows_steps());
}

TEST_F(FactJournalTest, StepsThatAnotherOneFollowsAreNotLeftOutOfTheLog) {
  log_.set_level(log::Level::debug);
  reader_.wants_steps = true;
  EXPECT_TRUE(journal_.follows_steps());
  for (int i = 0; i < 10000; ++i) journal_.tell(facts::ClientChannelStep{client_, LocalChannel{1}, "open", "eof_sent"});
  clock_.advance(log::Records::kSumUpAfter);
  EXPECT_THAT(log_.lines(), ::testing::IsEmpty());
  EXPECT_EQ(reader_.counts[Fact(facts::ClientChannelStep{}).index()], 10000U);
}

}  // namespace
}  // namespace sallyport::journal
