#include "net/sockets/stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "fakes/loop_fixture.hpp"

namespace sallyport::net {
namespace {

class StreamTest : public test::LoopTest {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer_ = Fd{pair[1]};
    auto opened = Stream::open(loop_, Fd{pair[0]}, kLimit,
                               {[this](ByteView bytes) { received_ += text_of(bytes); }, [this](const Error& why) { end_ = why; },
                                [this] { finished_ = true; }});
    ASSERT_TRUE(opened);
    stream_ = std::move(*opened);
  }
  void TearDown() override {
    stream_.reset();
    LoopTest::TearDown();
  }
  // All that is there.
  std::string take() {
    std::string taken;
    char buffer[65536];
    ssize_t count = 0;
    while ((count = recv(peer_.get(), buffer, sizeof buffer, 0)) > 0) taken.append(buffer, static_cast<std::size_t>(count));
    return taken;
  }

  static constexpr std::size_t kLimit = 1024 * 1024;
  Fd peer_;
  std::unique_ptr<Stream> stream_;
  std::string received_;
  std::optional<Error> end_;
  bool finished_ = false;
};

TEST_F(StreamTest, CarriesBothWaysAndHalfCloses) {
  ASSERT_EQ(send(peer_.get(), "ping", 4, 0), 4);
  ASSERT_TRUE(run_until([&] { return received_ == "ping"; }));
  ASSERT_EQ(shutdown(peer_.get(), SHUT_WR), 0);
  ASSERT_TRUE(run_until([&] { return end_.has_value(); }));
  EXPECT_EQ(end_->code, Errc::closed);
  EXPECT_TRUE(stream_->write("pong"));  // the other direction is still open
  stream_->finish();
  ASSERT_TRUE(run_until([&] { return finished_; }));
  EXPECT_EQ(take(), "pong");
  EXPECT_EQ(recv(peer_.get(), received_.data(), 1, 0), 0);
}

TEST_F(StreamTest, QueuesUpToItsLimitInOrder) {
  const std::string chunk(100'000, 'x');
  std::size_t accepted = 0;
  while (stream_->write(chunk)) accepted += chunk.size();
  EXPECT_LE(stream_->queued(), kLimit);
  stream_->finish();
  std::size_t taken = 0;
  ASSERT_TRUE(run_until([&] {
    taken += take().size();
    return finished_;
  }));
  taken += take().size();
  EXPECT_EQ(taken, accepted);
}

TEST_F(StreamTest, TellsAVanishedPeerOnceAndRaisesNoSignal) {
  const std::string chunk(100'000, 'x');
  while (stream_->write(chunk)) {
  }
  peer_.reset();
  ASSERT_TRUE(run_until([&] { return end_.has_value(); }));
  end_.reset();
  EXPECT_TRUE(stream_->write("dropped"));
  run_for(Duration{5});
  EXPECT_LE(stream_->queued(), kLimit);
}

TEST_F(StreamTest, ReadsNothingWhilePaused) {
  stream_->pause();
  ASSERT_EQ(send(peer_.get(), "later", 5, 0), 5);
  run_for(Duration{5});
  EXPECT_EQ(received_, "");
  stream_->resume();
  EXPECT_TRUE(run_until([&] { return received_ == "later"; }));
}

TEST_F(StreamTest, MayBeDestroyedByItsOwnData) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  std::unique_ptr<Stream> stream;
  auto opened = Stream::open(loop_, Fd{pair[0]}, kLimit, {[&](ByteView) { stream.reset(); }, nullptr, nullptr});
  stream = std::move(*opened);
  ASSERT_EQ(send(pair[1], "x", 1, 0), 1);
  EXPECT_TRUE(run_until([&] { return stream == nullptr; }));
  close(pair[1]);
}

TEST(LineSplitterTest, CutsLinesAndBoundsThem) {
  LineSplitter lines{8};
  std::string line;
  ASSERT_TRUE(lines.feed(bytes_of("one\r\ntw")));
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "one");
  EXPECT_FALSE(lines.next(line));
  ASSERT_TRUE(lines.feed(bytes_of("o\n\n")));
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "two");
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "");
  EXPECT_FALSE(lines.feed(bytes_of("far too long")));
}

}  // namespace
}  // namespace sallyport::net
