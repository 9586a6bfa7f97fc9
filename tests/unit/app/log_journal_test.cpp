// What a peer can cause by the ten thousand takes little room in the log and the audit trail; what an audit trail is for is
// there.
#include "app/log_journal.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../fakes/fake_clock.hpp"
#include "log/file_audit_trail.hpp"
#include "log/line_format.hpp"

namespace sallyport::app {
namespace {

using mux::Admission;
using mux::ChannelIds;
using mux::RemoteForwardFacts;

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

/// How often the facts happen that are never left out: whoever causes one has logged in, or has a program or a forwarded
/// connection.
enum class Written { rated, always };

struct Fact {
  const char* name;
  Written written;
  std::function<void(mux::Journal&, const Admission&, const ChannelIds&, const std::string&)> cause;
};

RemoteForwardFacts remote(const Admission& client, const std::string& text) {
  return {ForwardId{7}, TrunkId{3}, "tcpip-forward", text, client.user};
}

constexpr Duration kSecond = std::chrono::seconds(1);
const Error kError{Errc::protocol, std::string(100000, '\x1b')};

const std::vector<Fact>& facts() {
  using J = mux::Journal;
  using A = const Admission;
  using I = const ChannelIds;
  using S = const std::string;
  static const std::vector<Fact> kFacts = {
      {"channel_opened", Written::rated, [](J& j, A& a, I& i, S& s) { j.channel_opened(a, i.channel, s); }},
      {"channel_open_refused", Written::rated, [](J& j, A& a, I&, S& s) { j.channel_open_refused(a, s, "no"); }},
      {"program_started", Written::always, [](J& j, A& a, I& i, S& s) { j.program_started(a, i, "exec", s, "web"); }},
      {"program_refused", Written::rated, [](J& j, A& a, I& i, S& s) { j.program_refused(a, i, "exec", s, s, s); }},
      {"request_refused", Written::rated,
       [](J& j, A& a, I& i, S& s) {
         j.request_refused(a, i, s, s);
         j.request_refused(a, std::nullopt, s, s);
       }},
      {"program_failed", Written::rated, [](J& j, A& a, I& i, S& s) { j.program_failed(a, i, "exec", s, s); }},
      {"program_ended", Written::rated, [](J& j, A& a, I& i, S& s) { j.program_ended(a, i, std::nullopt, s); }},
      {"forward_opened", Written::always, [](J& j, A& a, I& i, S& s) { j.forward_opened(a, i, s, s, "web"); }},
      {"forward_refused", Written::rated, [](J& j, A& a, I& i, S& s) { j.forward_refused(a, i, s, s, s); }},
      {"remote_forward_listening", Written::always, [](J& j, A& a, I&, S& s) { j.remote_forward_listening(a, remote(a, s)); }},
      {"remote_forward_refused", Written::rated, [](J& j, A& a, I&, S& s) { j.remote_forward_refused(a, s, s, s); }},
      {"remote_forward_ended", Written::rated, [](J& j, A& a, I&, S& s) { j.remote_forward_ended(a, remote(a, s), s); }},
      {"channel_idle", Written::rated, [](J& j, A& a, I& i, S&) { j.channel_idle(a, i, "session", kSecond); }},
      {"channel_closed", Written::rated, [](J& j, A& a, I& i, S&) { j.channel_closed(a, i, 1, 2, kSecond); }},
      {"connection_violation", Written::rated, [](J& j, A& a, I&, S&) { j.connection_violation(a, "a bad message"); }},
      {"connection_closed", Written::always, [](J& j, A& a, I&, S&) { j.connection_closed(a, kError, 1, 2, kSecond); }},
      {"trunk_waiting", Written::rated, [](J& j, A& a, I&, S&) { j.trunk_waiting(TrunkId{3}, a.user, "web"); }},
      {"trunk_connecting", Written::rated, [](J& j, A& a, I&, S&) { j.trunk_connecting(TrunkId{3}, a.user, "web"); }},
      {"trunk_ready", Written::rated, [](J& j, A&, I&, S&) { j.trunk_ready(TrunkId{3}, kSecond); }},
      {"trunk_failed", Written::rated, [](J& j, A&, I&, S& s) { j.trunk_failed(TrunkId{3}, s); }},
      {"logins_paused", Written::rated, [](J& j, A& a, I&, S&) { j.logins_paused(TrunkId{3}, a.user, "web", kSecond); }},
      {"trunk_silent", Written::rated, [](J& j, A&, I&, S&) { j.trunk_silent(TrunkId{3}); }},
      {"trunk_unquestioned", Written::rated, [](J& j, A&, I&, S&) { j.trunk_unquestioned(TrunkId{3}); }},
      {"trunk_full", Written::rated, [](J& j, A&, I&, S&) { j.trunk_full(TrunkId{3}, 10); }},
      {"trunk_draining", Written::rated, [](J& j, A&, I&, S&) { j.trunk_draining(TrunkId{3}, "old"); }},
      {"target_open_refused", Written::rated, [](J& j, A&, I&, S& s) { j.target_open_refused(TrunkId{3}, s, "no"); }},
      {"target_request_refused", Written::rated, [](J& j, A&, I&, S& s) { j.target_request_refused(TrunkId{3}, s, "no"); }},
      {"message_ignored", Written::rated, [](J& j, A& a, I&, S&) { j.message_ignored(a, "a second EOF", 10); }},
      {"target_message_ignored", Written::rated,
       [](J& j, A&, I&, S&) { j.target_message_ignored(TrunkId{3}, "a second EOF", 1); }},
      {"trunk_violation", Written::rated, [](J& j, A&, I&, S&) { j.trunk_violation(TrunkId{3}, "a bad message"); }},
      {"trunk_closed", Written::rated, [](J& j, A&, I&, S&) { j.trunk_closed(TrunkId{3}, kError); }},
      {"client_channel_changed", Written::rated,
       [](J& j, A& a, I&, S&) { j.client_channel_changed(a, LocalChannel{1}, "open", "eof_sent"); }},
      {"session_changed", Written::rated, [](J& j, A& a, I& i, S&) { j.session_changed(a, i, "collecting", "binding"); }},
      {"trunk_channel_changed", Written::rated,
       [](J& j, A&, I&, S&) { j.trunk_channel_changed(TrunkId{3}, LocalChannel{1}, "open", "eof_sent"); }},
      {"trunk_changed", Written::rated, [](J& j, A&, I&, S&) { j.trunk_changed(TrunkId{3}, "connecting", "ready"); }},
      {"trunk_wish_changed", Written::rated,
       [](J& j, A& a, I&, S&) { j.trunk_wish_changed(a.user, a.id, "web", "waiting", "taking"); }},
  };
  return kFacts;
}

/// Knows all facts that there are: a new one doesn't compile until it stands here. It must then stand in facts() as well.
class AllFacts final : public mux::Journal {
 public:
  static constexpr std::size_t kCount = 36;
  std::set<std::string> seen;

  bool healthy() const override { return true; }
  void channel_opened(const Admission&, ChannelId, std::string_view) override { see(__func__); }
  void channel_open_refused(const Admission&, std::string_view, std::string_view) override { see(__func__); }
  void program_started(const Admission&, const ChannelIds&, std::string_view, std::string_view, std::string_view) override {
    see(__func__);
  }
  void program_refused(const Admission&, const ChannelIds&, std::string_view, std::string_view, std::string_view,
                       std::string_view) override {
    see(__func__);
  }
  void request_refused(const Admission&, const std::optional<ChannelIds>&, std::string_view, std::string_view) override {
    see(__func__);
  }
  void program_failed(const Admission&, const ChannelIds&, std::string_view, std::string_view, std::string_view) override {
    see(__func__);
  }
  void program_ended(const Admission&, const ChannelIds&, std::optional<std::uint32_t>, std::string_view) override {
    see(__func__);
  }
  void forward_opened(const Admission&, const ChannelIds&, std::string_view, std::string_view, std::string_view) override {
    see(__func__);
  }
  void forward_refused(const Admission&, const ChannelIds&, std::string_view, std::string_view, std::string_view) override {
    see(__func__);
  }
  void remote_forward_listening(const Admission&, const RemoteForwardFacts&) override { see(__func__); }
  void remote_forward_refused(const Admission&, std::string_view, std::string_view, std::string_view) override { see(__func__); }
  void remote_forward_ended(const Admission&, const RemoteForwardFacts&, std::string_view) override { see(__func__); }
  void channel_idle(const Admission&, const ChannelIds&, std::string_view, Duration) override { see(__func__); }
  void channel_closed(const Admission&, const ChannelIds&, std::uint64_t, std::uint64_t, Duration) override { see(__func__); }
  void connection_violation(const Admission&, std::string_view) override { see(__func__); }
  void connection_closed(const Admission&, const Error&, std::uint64_t, std::uint64_t, Duration) override { see(__func__); }
  void trunk_waiting(TrunkId, std::string_view, std::string_view) override { see(__func__); }
  void trunk_connecting(TrunkId, std::string_view, std::string_view) override { see(__func__); }
  void trunk_ready(TrunkId, Duration) override { see(__func__); }
  void trunk_failed(TrunkId, std::string_view) override { see(__func__); }
  void logins_paused(TrunkId, std::string_view, std::string_view, Duration) override { see(__func__); }
  void trunk_silent(TrunkId) override { see(__func__); }
  void trunk_unquestioned(TrunkId) override { see(__func__); }
  void trunk_full(TrunkId, std::size_t) override { see(__func__); }
  void trunk_draining(TrunkId, std::string_view) override { see(__func__); }
  void target_open_refused(TrunkId, std::string_view, std::string_view) override { see(__func__); }
  void target_request_refused(TrunkId, std::string_view, std::string_view) override { see(__func__); }
  void trunk_violation(TrunkId, std::string_view) override { see(__func__); }
  void message_ignored(const Admission&, std::string_view, std::uint64_t) override { see(__func__); }
  void target_message_ignored(TrunkId, std::string_view, std::uint64_t) override { see(__func__); }
  void trunk_closed(TrunkId, const Error&) override { see(__func__); }
  void client_channel_changed(const Admission&, LocalChannel, std::string_view, std::string_view) override { see(__func__); }
  void session_changed(const Admission&, const ChannelIds&, std::string_view, std::string_view) override { see(__func__); }
  void trunk_channel_changed(TrunkId, LocalChannel, std::string_view, std::string_view) override { see(__func__); }
  void trunk_changed(TrunkId, std::string_view, std::string_view) override { see(__func__); }
  void trunk_wish_changed(std::string_view, const std::optional<ConnectionId>&, std::string_view, std::string_view,
                          std::string_view) override {
    see(__func__);
  }

 private:
  void see(const char* name) { seen.insert(name); }
};

class JournalFloodTest : public testing::TestWithParam<LogFormat> {
 protected:
  struct World {
    explicit World(LogFormat format) : log(format) {}
    fakes::FakeClock clock;
    SizingLogger log;
    SizingTrail audit;
    log::Records records{log, audit, clock};
    LogJournal journal{records};
    std::size_t bytes() const { return log.bytes + audit.bytes; }
  };

  /// The worst that a peer can put in: what grows most when it is shown.
  static std::vector<std::string> texts() {
    return {std::string(32768, '\x1b'), std::string(32768, '"'), std::string(32768, '\\'), std::string(32768, 'x'),
            std::string(32768, '\xff')};
  }

  static void cause(World& world, const Fact& fact, const std::string& text, std::uint64_t connection) {
    Admission client;
    client.id = ConnectionId{connection};
    client.user = "alice";
    fact.cause(world.journal, client, {client.id, ChannelId{connection}, TrunkId{3}}, text);
  }
};

TEST_P(JournalFloodTest, EachFactIsInTheTable) {
  AllFacts all;
  for (const Fact& fact : facts()) {
    fact.cause(all, {}, {}, "");
    EXPECT_TRUE(all.seen.contains(fact.name)) << fact.name;
  }
  EXPECT_EQ(facts().size(), AllFacts::kCount);
  EXPECT_EQ(all.seen.size(), AllFacts::kCount);
}

TEST_P(JournalFloodTest, NoFactFillsTheDisk) {
  for (const Fact& fact : facts()) {
    if (fact.written == Written::always) continue;
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
      world.records.of_source("10.0.0.1/32")
          .info("conn={} accepted", ConnectionId{1})
          .record(AuditEvent("auth").with("login", text));
      for (const Fact& fact : facts()) {
        if (fact.written == Written::always) continue;
        world.journal.trunk_connecting(TrunkId{3}, "alice", "web");  // facts about trunks count for whose they are
        cause(world, fact, text, static_cast<std::uint64_t>(i % 50));
      }
      world.clock.advance(kBetween);
    }
    world.clock.advance(std::chrono::seconds(10));
    EXPECT_LE(world.bytes(), kMinute);
  }
}

TEST_P(JournalFloodTest, ActsAreAlwaysWrittenAndAreShort) {
  for (const Fact& fact : facts()) {
    if (fact.written == Written::rated) continue;
    World world(GetParam());
    for (const Fact& other : facts())
      for (int i = 0; other.written == Written::rated && i < 1000; ++i) cause(world, other, "x", 1);
    const std::size_t before = world.audit.events;
    const std::size_t bytes = world.audit.bytes;
    for (int i = 0; i < 1000; ++i) cause(world, fact, std::string(32768, '\x1b'), 1);
    EXPECT_EQ(world.audit.events, before + 1000) << fact.name;
    EXPECT_LT((world.audit.bytes - bytes) / 1000, log::kAuditLongBytes + 2048) << fact.name;
  }
}

TEST_P(JournalFloodTest, WhatGoesAlongWithActsIsThere) {
  World world(GetParam());
  for (int i = 0; i < kTimes; ++i) {
    for (const char* name : {"channel_opened", "program_started", "program_ended", "channel_closed"})
      for (const Fact& fact : facts())
        if (std::string_view(fact.name) == name) cause(world, fact, "ls", 1);
  }
  EXPECT_EQ(world.audit.events, 4U * kTimes);
}

INSTANTIATE_TEST_SUITE_P(Formats, JournalFloodTest, testing::Values(LogFormat::text, LogFormat::json),
                         [](const auto& test) { return std::string(test.param == LogFormat::json ? "Json" : "Text"); });

}  // namespace
}  // namespace sallyport::app
