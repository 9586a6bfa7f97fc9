#include "log/daemon_log.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.hpp"

namespace sallyport::log {
namespace {

using testing::HasSubstr;
using testing::Not;

class DaemonLogTest : public testing::Test {
 protected:
  std::unique_ptr<DaemonLog> open(const std::string& file) {
    auto log = DaemonLog::open({.level = Level::info, .format = LogFormat::text, .file = file});
    EXPECT_TRUE(log);
    return std::move(*log);
  }
  TemporaryFolder folder_;
};

TEST_F(DaemonLogTest, WritesWhatIsQueuedBeforeItEnds) {
  const std::string file = folder_.file("log");
  auto log = open(file);
  for (int i = 0; i < 100; ++i) log->info("line {}", i);
  log->debug("hidden");
  log.reset();
  EXPECT_THAT(content_of(file), HasSubstr("info  line 0\n"));
  EXPECT_THAT(content_of(file), HasSubstr("info  line 99\n"));
  EXPECT_THAT(content_of(file), Not(HasSubstr("hidden")));
  EXPECT_EQ(mode_of(file) & ~0640U, 0U);
}

TEST_F(DaemonLogTest, ReopenLeavesTheRenamedFile) {
  const std::string file = folder_.file("log");
  auto log = open(file);
  log->info("before");
  std::filesystem::rename(file, folder_.file("log.1"));
  log->reopen();
  log->info("after");
  log.reset();
  EXPECT_THAT(content_of(file), HasSubstr("after"));
  EXPECT_THAT(content_of(folder_.file("log.1")), Not(HasSubstr("after")));
}

TEST_F(DaemonLogTest, AFailedReopenKeepsTheOldFile) {
  std::filesystem::create_directory(folder_.file("sub"));
  auto log = open(folder_.file("sub/log"));
  std::filesystem::rename(folder_.file("sub"), folder_.file("moved"));
  log->reopen();
  log->info("after");
  log.reset();
  EXPECT_THAT(content_of(folder_.file("moved/log")), HasSubstr("log keeps its old file"));
  EXPECT_THAT(content_of(folder_.file("moved/log")), HasSubstr("after"));
}

TEST_F(DaemonLogTest, AppliesNewSettings) {
  auto log = open(folder_.file("one"));
  ASSERT_TRUE(log->apply({.level = Level::debug, .format = LogFormat::json, .file = folder_.file("two")}));
  log->debug("now seen");
  log.reset();
  EXPECT_THAT(content_of(folder_.file("two")), HasSubstr("\"message\":\"now seen\""));
}

TEST_F(DaemonLogTest, KeepsItsFileWhenTheNewOneFails) {
  const std::string file = folder_.file("log");
  auto log = open(file);
  EXPECT_FALSE(log->apply({.level = Level::trace, .format = LogFormat::text, .file = folder_.file("no/such/folder")}));
  log->info("still here");
  log->debug("still hidden");
  log.reset();
  EXPECT_THAT(content_of(file), HasSubstr("still here"));
  EXPECT_THAT(content_of(file), Not(HasSubstr("still hidden")));
}

TEST_F(DaemonLogTest, FailsWithoutAFile) {
  EXPECT_FALSE(DaemonLog::open({.level = Level::info, .format = LogFormat::text, .file = folder_.file("no/log")}));
}

TEST_F(DaemonLogTest, CountsTheLinesThatCouldNotBeWritten) {
  const std::string file = folder_.file("log");
  auto log = open("/dev/full");
  for (int i = 0; i < 100; ++i) log->info("line {}", i);
  ASSERT_TRUE(log->apply({.level = Level::info, .format = LogFormat::text, .file = file}));
  log->info("line {}", 100);
  log.reset();
  const std::string text = content_of(file);
  std::size_t accounted = 0;
  for (std::size_t at = 0; (at = text.find("info  line ", at)) != std::string::npos; ++at) ++accounted;
  constexpr std::string_view kError = " error ";
  if (text.find("lines lost: the log could not be written") != std::string::npos)
    accounted += std::stoul(text.substr(text.find(kError) + kError.size()));
  EXPECT_EQ(accounted, 101U) << text;
}

TEST_F(DaemonLogTest, SaysHowManyLinesAFullQueueLost) {
  const std::string file = folder_.file("log");
  auto log = open(file);
  std::thread other([&] {
    for (int i = 0; i < 50000; ++i) log->info("from another thread {}", i);
  });
  for (int i = 0; i < 50000; ++i) log->info("from this thread {}", i);
  other.join();
  log->info("end");
  log.reset();
  const std::string text = content_of(file);
  EXPECT_THAT(text, HasSubstr("info  end\n"));
  // Either the disk kept up, or the log owns up.
  const auto lines = std::count(text.begin(), text.end(), '\n');
  if (lines < 100001) {
    EXPECT_THAT(text, HasSubstr("lines lost: the log's queue was full"));
  }
}

}  // namespace
}  // namespace sallyport::log
