#include "log/file_audit_trail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/memory_logger.hpp"
#include "temporary_folder.hpp"

namespace sallyport::log {
namespace {

using testing::HasSubstr;

constexpr auto kTime = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2};

TEST(AuditLineTest, HasTimeEventAndMembersInOrder) {
  std::string out;
  const std::string command = "echo \"\n\xff";
  append_audit_line(out, kTime,
                    AuditEvent("exec")
                        .with("connection", ConnectionId{3})
                        .with("channel", ChannelId{4})
                        .with("trunk", TrunkId{5})
                        .with("command", command)
                        .with("pty", false)
                        .with("bytes", 12U));
  EXPECT_EQ(out, R"({"time":"2026-01-02T00:00:00.000Z","event":"exec","connection":"c3","channel":"h4","trunk":"t5",)"
                 "\"command\":\"echo \\\"\\n\xef\xbf\xbd\",\"pty\":false,\"bytes\":12}\n");
}

TEST(AuditLineTest, BoundsAStringAsItIsShown) {
  for (const std::string& character :
       {std::string("x"), std::string("ż"), std::string(1, '\x01'), std::string("\""), std::string("\xff")}) {
    std::string text;
    while (text.size() < kAuditLongBytes + 10) text += character;
    std::string out;
    append_audit_line(out, kTime, AuditEvent("refuse").with("command", text));
    EXPECT_THAT(out, HasSubstr("…\"}"));
    EXPECT_LT(out.size(), kAuditTextBytes + 100);
    out.clear();
    append_audit_line(out, kTime, AuditEvent("exec").with_long("command", text));
    EXPECT_THAT(out, HasSubstr("…\"}"));
    EXPECT_GT(out.size(), kAuditLongBytes);
    EXPECT_LT(out.size(), kAuditLongBytes + 100);
  }
}

TEST(AuditLineTest, KnowsHowLongItGets) {
  for (const std::string& piece : {std::string("x"), std::string("ż"), std::string("🐢"), std::string(1, '\x01'),
                                   std::string("\"\\\n"), std::string("\xff"), std::string("\xf3\xa0\x80\x81")}) {
    std::string text;
    for (int length = 0; length < 300; ++length, text += piece) {
      AuditEvent event("exec");
      event.with("a", text).with_long("b", text).with("c", ConnectionId{~0ULL}).with("d", ~0ULL).with("e", false);
      std::string line;
      append_audit_line(line, kTime, event);
      EXPECT_LE(line.size(), audit_line_bound(event));
    }
  }
}

class FileAuditTrailTest : public testing::Test {
 protected:
  std::unique_ptr<FileAuditTrail> open(const std::string& file, std::size_t limit = 1024 * 1024) {
    FileAuditTrail::Settings settings;
    settings.file = file;
    settings.queue_limit = limit;
    settings.retry_after = std::chrono::milliseconds(1);
    settings.now = [] { return kTime; };
    auto trail = FileAuditTrail::open(settings, log_);
    EXPECT_TRUE(trail);
    return std::move(*trail);
  }
  /// Waits for `condition`, with a deadline.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  TemporaryFolder folder_;
  fakes::MemoryLogger log_;
};

TEST_F(FileAuditTrailTest, WritesEverythingBeforeItEnds) {
  const std::string file = folder_.file("audit");
  auto trail = open(file);
  EXPECT_TRUE(trail->enabled());
  for (unsigned i = 0; i < 1000; ++i) trail->record(AuditEvent("auth").with("n", i));
  EXPECT_TRUE(trail->healthy());
  trail.reset();
  const std::string text = content_of(file);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1000);
  EXPECT_THAT(text, HasSubstr("\"n\":999}"));
  EXPECT_EQ(mode_of(file), 0600U);
}

TEST_F(FileAuditTrailTest, WritesSoonWithoutBeingAsked) {
  const std::string file = folder_.file("audit");
  auto trail = open(file);
  trail->record(AuditEvent("connect"));
  EXPECT_TRUE(eventually([&] { return !content_of(file).empty(); }));
}

TEST_F(FileAuditTrailTest, ReopensARenamedFile) {
  const std::string file = folder_.file("audit");
  auto trail = open(file);
  std::filesystem::rename(file, folder_.file("old"));
  trail->reopen();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  trail->record(AuditEvent("after"));
  trail.reset();
  EXPECT_THAT(content_of(file), HasSubstr("after"));
}

TEST_F(FileAuditTrailTest, FailsClosedWhileTheFileCannotBeWrittenAndOwnsUpToLosses) {
  // A FIFO stands for a disk that is full and gets room again.
  const std::string file = folder_.file("fifo");
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  int reader = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto trail = open(file, 1000);
  ::close(reader);  // from now on a write fails with EPIPE
  trail->record(AuditEvent("kept"));
  ASSERT_TRUE(eventually([&] { return !trail->healthy(); }));
  for (int i = 0; i < 100; ++i) trail->record(AuditEvent("more"));
  EXPECT_TRUE(log_.has("audit trail can't be written"));
  EXPECT_TRUE(log_.has("audit event lost"));

  reader = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  std::string text;
  ASSERT_TRUE(eventually([&] {
    char buffer[4096];
    const ssize_t count = ::read(reader, buffer, sizeof buffer);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    return trail->healthy() && text.find("audit-lost") != std::string::npos;
  }));
  EXPECT_THAT(text, HasSubstr("\"kept\""));
  EXPECT_THAT(text, HasSubstr("\"event\":\"audit-lost\",\"count\":"));
  trail.reset();
  ::close(reader);
}

TEST_F(FileAuditTrailTest, EndsThoughTheFileCannotBeWritten) {
  const std::string file = folder_.file("fifo");
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  const int reader = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto trail = open(file);
  ::close(reader);
  trail->record(AuditEvent("lost"));
  trail.reset();
  EXPECT_TRUE(log_.has("audit events lost at the end"));
}

TEST_F(FileAuditTrailTest, FailsWithoutAFile) { EXPECT_FALSE(FileAuditTrail::open({.file = folder_.file("no/audit")}, log_)); }

}  // namespace
}  // namespace sallyport::log
