#include "log/logger.hpp"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/memory_logger.hpp"

namespace sallyport::log {
namespace {

using testing::ElementsAre;

TEST(LoggerTest, FormatsIdsAndPeerStrings) {
  fakes::MemoryLogger log;
  log.info("conn={} chan={} trunk={} user \"{}\"", ConnectionId{7}, ChannelId{8}, TrunkId{9}, std::string("a\nb"));
  EXPECT_THAT(log.lines(), ElementsAre("info conn=c7 chan=h8 trunk=t9 user \"a\\nb\""));
}

TEST(LoggerTest, EscapesEveryTextThatIsGivenBare) {
  fakes::MemoryLogger log;
  const std::string text = "a\n\x1b[2Jb";
  const char* const pointer = text.c_str();
  char buffer[] = "a\n\x1b[2Jb";
  log.info("{} {} {} {}", text, std::string_view(text), pointer, buffer);
  log.warn("{}", std::string(100000, '\x1b'));
  EXPECT_EQ(log.lines().front(), "info a\\n\\x1b[2Jb a\\n\\x1b[2Jb a\\n\\x1b[2Jb a\\n\\x1b[2Jb");
  EXPECT_EQ(log.lines().back(), "warn " + escape(std::string(100000, '\x1b')));
}

TEST(LoggerTest, ShowsOurOwnTextsAsTheyAre) {
  fakes::MemoryLogger log;
  const std::string longer(kShownBytes + 1, 'x');
  log.info("{} {} {}", plain("it can't"), plain(longer), escaped("it can't", 6));
  EXPECT_THAT(log.lines(), ElementsAre("info it can't " + longer + " it can…"));
}

TEST(LoggerTest, DropsWhatIsBelowItsLevel) {
  fakes::MemoryLogger log(Level::warn);
  log.trace("one");
  log.info("two");
  log.warn("three");
  log.error("four");
  log.set_level(Level::debug);
  log.debug("five");
  log.trace("six");
  EXPECT_THAT(log.lines(), ElementsAre("warn three", "error four", "debug five"));
}

}  // namespace
}  // namespace sallyport::log
