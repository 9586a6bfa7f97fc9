// What a peer can cause by the ten thousand takes little room in the log and the audit trail; what an audit trail is for is
// there.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../fakes/fake_clock.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"
#include "log/file_audit_trail.hpp"
#include "log/line_format.hpp"
#include "samples.hpp"

namespace sallyport::journal {
namespace {

constexpr int kTimes = 10000;
constexpr Duration kBetween = std::chrono::milliseconds(6);  // so that they take a minute
constexpr std::size_t kMinute = 256 * 1024;                  // bytes that one client may write in one

/// Counts bytes as the daemon's log writes them.
class SizingLogger final : public log::Logger {
 public:
  explicit SizingLogger(LogFormat format) : Logger(log::Level::trace), format_(format) {}
  std::size_t bytes = 0;
  std::size_t lines = 0;
  std::size_t sums = 0;

 private:
  void write(log::Level level, std::string_view line) override {
    std::string text;
    log::append_line(text, format_, std::chrono::system_clock::time_point(std::chrono::hours(400000)), level, line);
    bytes += text.size();
    line.find("suppressed") == std::string_view::npos ? ++lines : ++sums;
  }
  const LogFormat format_;
};

class SizingTrail final : public AuditTrail {
 public:
  std::size_t bytes = 0;
  std::size_t events = 0;
  std::size_t sums = 0;

  bool enabled() const override { return true; }
  bool healthy() const override { return true; }
  void record(const AuditEvent& event) override {
    std::string text;
    log::append_audit_line(text, std::chrono::system_clock::time_point(std::chrono::hours(400000)), event);
    bytes += text.size();
    event.name() == "suppressed" ? ++sums : ++events;
  }
};

/// Which alternatives of Fact it has been told.
class SeeingJournal final : public Journal {
 public:
  std::set<std::size_t> seen;
  void tell(const Fact& fact) override { seen.insert(fact.index()); }
  bool healthy() const override { return true; }
  bool follows_steps() const override { return true; }
};

class JournalFloodTest : public testing::TestWithParam<LogFormat> {
 protected:
  struct World {
    explicit World(LogFormat format) : log(format) {}
    fakes::FakeClock clock;
    SizingLogger log;
    SizingTrail audit;
    log::Records records{log, audit, clock};
    LogAndTrail log_and_trail{records};
    FactJournal journal{{&log_and_trail}};
    std::size_t bytes() const { return log.bytes + audit.bytes; }
  };

  /// The worst that a peer can put in: what grows most when it is shown.
  static std::vector<std::string> texts() {
    return {std::string(32768, '\x1b'), std::string(32768, '"'), std::string(32768, '\\'), std::string(32768, 'x'),
            std::string(32768, '\xff')};
  }

  static void cause(World& world, const Sample& sample, const std::string& text, std::uint64_t connection) {
    const ConnectionId id{connection};
    sample.cause(world.journal, sample_client(id), {id, ChannelId{connection}, TrunkId{3}}, text);
  }
};

TEST_P(JournalFloodTest, EachFactIsInTheTable) {
  std::set<std::size_t> seen;
  for (const Sample& sample : samples()) {
    SeeingJournal journal;
    sample.cause(journal, sample_client(ConnectionId{1}), {}, "");
    ASSERT_EQ(journal.seen.size(), 1U) << sample.name;
    EXPECT_TRUE(seen.insert(*journal.seen.begin()).second) << sample.name;
  }
  EXPECT_EQ(seen.size(), std::variant_size_v<Fact>);
}

TEST_P(JournalFloodTest, NoFactFillsTheDisk) {
  for (const Sample& fact : samples()) {
    if (fact.written != Written::rated) continue;
    for (const std::string& text : {texts().front(), std::string("x")}) {
      World world(GetParam());
      for (int i = 0; i < kTimes; ++i) {
        cause(world, fact, text, 1);
        world.clock.advance(kBetween);
      }
      world.clock.advance(std::chrono::seconds(10));
      EXPECT_LE(world.bytes(), kMinute) << fact.name;
      EXPECT_GE(world.log.lines + world.audit.events, 10U) << fact.name;
      EXPECT_GE(world.log.sums, 1U) << fact.name;
      EXPECT_EQ(world.log.sums, world.audit.sums) << fact.name;
    }
  }
}

TEST_P(JournalFloodTest, AllTogetherDoNotEither) {
  for (const std::string& text : texts()) {
    World world(GetParam());
    for (int i = 0; i < kTimes; ++i) {
      for (const Sample& fact : samples()) {
        if (fact.written != Written::rated) continue;
        cause(world, fact, text, static_cast<std::uint64_t>(i % 50));
      }
      world.clock.advance(kBetween);
    }
    world.clock.advance(std::chrono::seconds(10));
    EXPECT_LE(world.bytes(), kMinute);
  }
}

TEST_P(JournalFloodTest, ActsAreAlwaysWrittenAndAreShort) {
  for (const Sample& fact : samples()) {
    if (fact.written != Written::always) continue;
    World world(GetParam());
    for (const Sample& other : samples())
      for (int i = 0; other.written == Written::rated && i < 1000; ++i) cause(world, other, "x", 1);
    const std::size_t before = world.audit.events;
    const std::size_t bytes = world.audit.bytes;
    for (int i = 0; i < 1000; ++i) cause(world, fact, std::string(32768, '\x1b'), 1);
    EXPECT_EQ(world.audit.events, before + 1000) << fact.name;
    EXPECT_LT((world.audit.bytes - bytes) / 1000, log::kAuditLongBytes + 2048) << fact.name;
  }
}

TEST_P(JournalFloodTest, WhatTheAdministratorDoesIsAlwaysInTheLog) {
  for (const Sample& fact : samples()) {
    if (fact.written != Written::logged) continue;
    World world(GetParam());
    cause(world, fact, "x", 1);
    const std::size_t once = world.log.lines;
    EXPECT_GE(once, 1U) << fact.name;
    for (int i = 1; i < kTimes; ++i) cause(world, fact, "x", 1);
    EXPECT_EQ(world.log.lines, once * kTimes) << fact.name;
    EXPECT_EQ(world.audit.events, 0U) << fact.name;
  }
}

TEST_P(JournalFloodTest, WhatGoesAlongWithActsIsThere) {
  World world(GetParam());
  for (int i = 0; i < kTimes; ++i) {
    for (const char* name : {"ChannelOpened", "ProgramStarted", "ProgramEnded", "ChannelClosed"})
      for (const Sample& fact : samples())
        if (std::string_view(fact.name) == name) cause(world, fact, "ls", 1);
  }
  EXPECT_EQ(world.audit.events, 4U * kTimes);
}

INSTANTIATE_TEST_SUITE_P(Formats, JournalFloodTest, testing::Values(LogFormat::text, LogFormat::json),
                         [](const auto& test) { return std::string(test.param == LogFormat::json ? "Json" : "Text"); });

}  // namespace
}  // namespace sallyport::journal
