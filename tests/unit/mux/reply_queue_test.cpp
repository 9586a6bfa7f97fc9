#include "mux/protocol/reply_queue.hpp"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::mux {
namespace {

struct ReplyQueueTest : ::testing::Test {
  auto sender() {
    return [this](bool success) { sent += success ? 'y' : 'n'; };
  }
  ReplyQueue queue;
  std::string sent;
};

TEST_F(ReplyQueueTest, SendsAnAnswerThatNothingIsBefore) {
  queue.expect();
  queue.answer_newest(true, sender());
  EXPECT_EQ(sent, "y");
}

TEST_F(ReplyQueueTest, KeepsAnEarlyAnswerBehindThoseBeforeIt) {
  queue.expect();
  queue.expect();
  queue.answer_newest(false, sender());
  queue.expect();
  EXPECT_EQ(sent, "");
  EXPECT_TRUE(queue.resolve(true, sender()));
  EXPECT_EQ(sent, "yn");
  EXPECT_TRUE(queue.resolve(true, sender()));
  EXPECT_EQ(sent, "yny");
}

TEST_F(ReplyQueueTest, RefusesAnAnswerToNothing) {
  EXPECT_FALSE(queue.resolve(true, sender()));
  queue.expect();
  EXPECT_TRUE(queue.resolve(true, sender()));
  EXPECT_FALSE(queue.resolve(true, sender()));
  EXPECT_EQ(sent, "y");
}

TEST_F(ReplyQueueTest, IsBounded) {
  for (std::size_t i = 0; i < ReplyQueue::kLimit; ++i) {
    EXPECT_FALSE(queue.full());
    queue.expect();
  }
  EXPECT_TRUE(queue.full());
}

}  // namespace
}  // namespace sallyport::mux
