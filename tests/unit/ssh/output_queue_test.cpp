#include "ssh/transport/output_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace sallyport::ssh {
namespace {

class OutputQueueTest : public testing::Test {
 protected:
  /// Bytes that tell where they stood.
  static Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    return bytes;
  }
  void append_reserved(ByteView bytes) {
    std::uint8_t* const room = queue_.reserve(bytes.size());
    ASSERT_NE(room, nullptr);
    std::copy(bytes.begin(), bytes.end(), room);
    queue_.commit(bytes.size());
  }
  /// What a socket would see that takes so many bytes at a time.
  Bytes drain(std::size_t at_a_time) {
    Bytes all;
    while (!queue_.empty()) {
      std::array<uv_buf_t, OutputQueue::kMaxBuffers> buffers;
      const unsigned int count = queue_.front(buffers);
      std::size_t left = at_a_time;
      for (unsigned int i = 0; i < count && left > 0; ++i) {
        const std::size_t here = std::min(left, buffers[i].len);
        all.insert(all.end(), buffers[i].base, buffers[i].base + here);
        left -= here;
      }
      queue_.consume(at_a_time - left);
    }
    return all;
  }

  ChunkPool pool_;
  OutputQueue queue_{pool_};
};

TEST_F(OutputQueueTest, WhatIsAppendedAndWhatIsReservedKeepTheirOrder) {
  const Bytes sent = counting(5 * Chunk::kSize);
  std::size_t at = 0;
  for (const std::size_t size :
       {std::size_t{10}, Chunk::kSize - 5, std::size_t{33000}, std::size_t{33000}, Chunk::kSize, std::size_t{1}}) {
    append_reserved(ByteView(sent).subspan(at, size));
    at += size;
    queue_.append(ByteView(sent).subspan(at, 100));
    at += 100;
    EXPECT_EQ(queue_.size(), at);
  }
  EXPECT_EQ(drain(10'007), Bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(at)));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(OutputQueueTest, MoreThanAChunkCannotBeReserved) {
  EXPECT_EQ(queue_.reserve(Chunk::kSize + 1), nullptr);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(OutputQueueTest, RoomThatIsNotCommittedIsUsedByTheNext) {
  ASSERT_NE(queue_.reserve(1000), nullptr);
  const Bytes sent = counting(Chunk::kSize + 500);
  queue_.append(sent);
  EXPECT_EQ(drain(Chunk::kSize), sent);
}

TEST_F(OutputQueueTest, AFrontThatIsTakenIsNoLongerCounted) {
  append_reserved(counting(Chunk::kSize - 10));
  append_reserved(counting(20));
  const auto chunk = queue_.take_front();
  EXPECT_EQ(chunk->end - chunk->begin, Chunk::kSize - 10);
  EXPECT_EQ(queue_.size(), 20U);
  EXPECT_EQ(drain(1), counting(20));
}

}  // namespace
}  // namespace sallyport::ssh
