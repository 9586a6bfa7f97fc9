#include "log/logger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/memory_logger.hpp"

namespace sallyport::log {
namespace {

using testing::ElementsAre;

TEST(LoggerTest, FormatsIdsAndPeerStrings) {
  fakes::MemoryLogger log;
  log.info("conn={} chan={} trunk={} user \"{}\"", ConnectionId{7}, ChannelId{8}, TrunkId{9}, escaped("a\nb"));
  EXPECT_THAT(log.lines(), ElementsAre("info conn=c7 chan=h8 trunk=t9 user \"a\\nb\""));
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
