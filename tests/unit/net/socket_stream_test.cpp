#include "net/sockets/socket_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakes/loop_fixture.hpp"
#include "net/sockets/listener.hpp"

namespace sallyport::net {
namespace {

/// Keeps what a stream reports, and lets a test react to it.
struct Events final : StreamEvents {
  bool connected = false;
  bool input_ended = false;
  bool output_ended = false;
  std::optional<Error> failed;
  std::optional<Error> broken;
  std::string received;
  std::function<void()> then;

  void told() {
    if (then) then();
  }
  void on_connected() override { connected = true, told(); }
  void on_failed(const Error& why) override { failed = why, told(); }
  void on_received(ByteView bytes) override { received += text_of(bytes), told(); }
  void on_input_end() override { input_ended = true, told(); }
  void on_sent() override { told(); }
  void on_output_end() override { output_ended = true, told(); }
  void on_broken(const Error& why) override { broken = why, told(); }
};

class SocketStreamTest : public test::LoopTest {
 protected:
  /// A stream, and its connected peer.
  void make() {
    auto pair = connected_pair();
    ASSERT_TRUE(pair);
    peer = std::move(pair->second);
    stream = std::make_unique<SocketStream>(loop_, lingering, std::move(pair->first), events);
    EXPECT_FALSE(events.connected) << "it was told inside the constructor";
    ASSERT_TRUE(run_until([this] { return events.connected; }));
  }
  void make_tcp() {
    auto listener =
        Listener::open(loop_, "127.0.0.1:0", {[this](Fd fd, const SocketAddress&) { peer = std::move(fd); }, nullptr});
    ASSERT_TRUE(listener);
    stream = std::make_unique<SocketStream>(resolver, lingering,
                                            StreamAddress{"localhost", (*listener)->address().port(), {}, {}}, kDeadline, events);
    ASSERT_TRUE(run_until([this] { return events.connected && peer; }));
  }
  void send_from_peer(std::string_view text) {
    ASSERT_EQ(send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// What the peer reads until there is no more for now; "|" at the end of the stream, "!" for a reset.
  std::string read_at_peer() {
    std::string text;
    char buffer[65536];
    for (;;) {
      const ssize_t count = recv(peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count == 0) return text + "|";
      if (count < 0) return errno == ECONNRESET ? text + "!" : text;
      text.append(buffer, static_cast<std::size_t>(count));
    }
  }
  std::size_t fill() {
    std::size_t written = 0;
    while (stream->queued() == 0) {
      stream->write(bytes_of(std::string(100'000, 'x')));
      written += 100'000;
    }
    return written;
  }

  Lingering lingering{loop_};
  Resolver resolver{loop_};
  Events events;
  Fd peer;
  std::unique_ptr<SocketStream> stream;
};

TEST_F(SocketStreamTest, PassesBytesBothWaysWithinWhatIsGranted) {
  make_tcp();
  stream->write(bytes_of("to the peer"));
  send_from_peer("from the peer");
  stream->grant(4);
  ASSERT_TRUE(run_until([this] { return events.received.size() == 4; }));
  run_for(Duration{20});
  EXPECT_EQ(events.received, "from");
  stream->grant(100);
  ASSERT_TRUE(run_until([this] { return events.received == "from the peer"; }));
  EXPECT_EQ(read_at_peer(), "to the peer");
  stream.reset();
}

TEST_F(SocketStreamTest, EachDirectionEndsByItself) {
  make();
  stream->grant(100);
  stream->write(bytes_of("last"));
  stream->end_output();
  EXPECT_FALSE(events.output_ended) << "it was told inside the call";
  ASSERT_TRUE(run_until([this] { return events.output_ended; }));
  EXPECT_EQ(read_at_peer(), "last|");
  send_from_peer("answer");
  shutdown(peer.get(), SHUT_WR);
  ASSERT_TRUE(run_until([this] { return events.input_ended; }));
  EXPECT_EQ(events.received, "answer");
  EXPECT_FALSE(events.broken);
  stream.reset();
}

TEST_F(SocketStreamTest, TellsWhenTheQueueShrinks) {
  make();
  const std::size_t written = fill();
  const std::size_t queued = stream->queued();
  EXPECT_GT(queued, 0u);
  std::string got = read_at_peer();
  ASSERT_TRUE(run_until([&] { return (got += read_at_peer()).size() == written; }));
  EXPECT_EQ(stream->queued(), 0u);
  stream.reset();
}

TEST_F(SocketStreamTest, TellsAResetFromAnEnd) {
  make_tcp();
  stream->grant(100);
  reset_on_close(peer.get());
  peer.reset();
  ASSERT_TRUE(run_until([this] { return events.broken.has_value(); }));
  EXPECT_FALSE(events.input_ended);
  stream.reset();
}

TEST_F(SocketStreamTest, APeerThatTakesNoMoreIsReadToItsEnd) {
  make();
  stream->grant(100);
  send_from_peer("said before");
  peer.reset();
  stream->write(bytes_of("lost"));
  ASSERT_TRUE(run_until([this] { return events.broken.has_value(); }));
  EXPECT_EQ(events.received, "said before");
  stream.reset();
}

TEST_F(SocketStreamTest, WritingFailsAfterTheInputEnded) {
  make();
  stream->grant(100);
  peer.reset();
  ASSERT_TRUE(run_until([this] { return events.input_ended; }));
  stream->write(bytes_of("lost"));
  ASSERT_TRUE(run_until([this] { return events.broken.has_value(); }));
  stream.reset();
}

TEST_F(SocketStreamTest, TellsTheOtherEndOfAReset) {
  make_tcp();
  stream->write(bytes_of("x"));
  stream->reset();
  stream.reset();
  std::string got;
  ASSERT_TRUE(run_until([&] { return (got += read_at_peer()).find('!') != std::string::npos; }));
}

TEST_F(SocketStreamTest, WhatIsQueuedIsSentAfterItWasDestroyed) {
  make();
  const std::size_t written = fill();
  stream.reset();
  EXPECT_EQ(lingering.count(), 1u);
  std::string got;
  ASSERT_TRUE(run_until([&] { return (got += read_at_peer()).find('|') != std::string::npos; }));
  EXPECT_EQ(got.find('|'), written);
  EXPECT_EQ(lingering.count(), 0u);
}

TEST_F(SocketStreamTest, WhatIsQueuedIsNotSentForEver) {
  Lingering impatient(loop_, Duration{20});
  auto pair = connected_pair();
  impatient.add(std::move(pair->first), std::string(1 << 20, 'x'));
  EXPECT_TRUE(run_until([&] { return impatient.count() == 0; }));
}

TEST_F(SocketStreamTest, WhatIsQueuedDoesNotTakeAllMemory) {
  Lingering small(loop_, kDeadline, 3'000'000);
  std::vector<Fd> peers;
  for (int i = 0; i < 5; ++i) {
    auto pair = connected_pair();
    peers.push_back(std::move(pair->second));
    small.add(std::move(pair->first), std::string(1'000'000, 'x'));
  }
  EXPECT_EQ(small.count(), 3u);
}

TEST_F(SocketStreamTest, TellsThatItCannotConnect) {
  stream =
      std::make_unique<SocketStream>(resolver, lingering, StreamAddress{"no-such-host.invalid", 1, {}, {}}, kDeadline, events);
  ASSERT_TRUE(run_until([this] { return events.failed.has_value(); }));
  EXPECT_EQ(events.failed->code, Errc::not_found);
  EXPECT_EQ(connect_to_path("/no/such/socket").error().code, Errc::not_found);
  EXPECT_EQ(connect_to_path("/" + std::string(200, 'x')).error().code, Errc::limit);
}

TEST_F(SocketStreamTest, MayBeDestroyedByEachOfItsEvents) {
  for (const char* say : {"", "data", "end", "reset"}) {
    events = {};
    make_tcp();
    stream->grant(100);
    events.then = [this] { stream.reset(); };
    if (std::string_view(say) == "data") send_from_peer("data");
    if (std::string_view(say) == "end") shutdown(peer.get(), SHUT_WR);
    if (std::string_view(say) == "reset") reset_on_close(peer.get()), peer.reset();
    if (std::string_view(say).empty()) stream->end_output();
    EXPECT_TRUE(run_until([this] { return stream == nullptr; })) << say;
  }
}

TEST_F(SocketStreamTest, MayBeDestroyedBeforeItIsConnected) {
  stream = std::make_unique<SocketStream>(resolver, lingering, StreamAddress{"localhost", 1, {}, {}}, kDeadline, events);
  stream.reset();
  auto pair = connected_pair();
  stream = std::make_unique<SocketStream>(loop_, lingering, std::move(pair->first), events);
  stream.reset();
  loop_.run_dry();
  EXPECT_FALSE(events.connected || events.failed);
}

}  // namespace
}  // namespace sallyport::net
