// How much a bulk channel may have under way beside a neighbour on the same connection.
#include <algorithm>
#include <charconv>

#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint32_t kStep = 32 * 1024;

/// Two commands of one client on one trunk, in whose windows everything would fit: 7 moves bulk, 8 is a neighbour.
struct FairnessTest : RelayTest {
  FairnessTest() : RelayTest(100'000'000, 100'000'000) {
    credit_ = widen();  // it was alone until now
    exec(*client, 8, "neighbour", 100'000'000, 1);
    server->deliver(confirm_message(1, 41, 100'000'000));
    server->deliver(success_message(1));
    server->take();
    client->take();
  }

  /// The server sends whatever it may; returns how much that was.
  std::size_t send_all() {
    std::size_t sent = 0;
    for (;;) {
      for (const std::string& line : take(*server)) credit_ += adjust_of(line);
      if (credit_ == 0) return sent;
      const std::size_t size = std::min<std::size_t>(credit_, Channel::kMaximumPacket);
      server->deliver(data_message(0, std::string(size, 'x')));
      credit_ -= size;
      sent += size;
    }
  }
  /// The client consumes that much, and says so in steps of kStep.
  void consume(std::size_t bytes) {
    for (std::size_t done = 0; done < bytes; done += kStep) client->deliver(adjust_message(0, kStep));
  }
  void neighbour_speaks() { server->deliver(data_message(1, "echo")); }

 private:
  static std::size_t adjust_of(std::string_view line) {
    constexpr std::string_view kAdjust = "ADJUST 40 ";
    std::size_t bytes = 0;
    if (line.starts_with(kAdjust)) std::from_chars(line.data() + kAdjust.size(), line.data() + line.size(), bytes);
    return bytes;
  }
  std::size_t credit_ = 0;
};

TEST_F(FairnessTest, LeavesLittleUnconsumedBesideANeighbour) {
  for (int round = 0; round < 20; ++round) {  // what was learnt alone is forgotten
    neighbour_speaks();
    consume(send_all());
    clock.advance(std::chrono::milliseconds(20));
  }
  const std::size_t unconsumed = send_all();
  EXPECT_GT(unconsumed, kStep);  // or the client would never adjust again
  EXPECT_LE(unconsumed, 2u * 64 * 1024 + kStep);
}

TEST_F(FairnessTest, TheNeighboursLastWordIsForgotten) {
  neighbour_speaks();
  consume(send_all());
  clock.advance(seconds(5));
  server->round_trip = seconds(1);  // a long line: what is under way may grow again
  std::size_t sent = 0;
  for (int round = 0; round < 10; ++round) {
    clock.advance(std::chrono::milliseconds(2));
    sent = send_all();
    consume(sent);
  }
  EXPECT_GE(sent, HubSettings{}.channel_window / 2);
}

TEST_F(FairnessTest, DoesNotWaitForeverForAClientThatBeginsToAdjustInLargerSteps) {
  neighbour_speaks();
  consume(send_all());
  send_all();
  neighbour_speaks();
  EXPECT_EQ(send_all(), 0u);
  for (int look = 0; look < 2; ++look) clock.advance(std::chrono::milliseconds(250));  // it adjusted before the first
  EXPECT_GT(send_all(), 0u);
}

class UnknownLineTest : public WorldTest {};

TEST_F(UnknownLineTest, TakesTheAnswerToAnOpenForTheRoundTrip) {
  MemoryPeer& client = connect();
  exec(client, 7, "true", 100'000'000);
  MemoryPeer& server = connector.succeed(0);
  clock.advance(std::chrono::milliseconds(100));  // a trunk over another trunk: its transport knows nothing
  server.deliver(confirm_message(0, 40, 100'000));
  server.deliver(success_message(0));
  const auto granted = [this, &server] {
    std::size_t bytes = 0;
    for (const std::string& line : take(server))
      if (line.starts_with("ADJUST 40 ")) bytes += std::stoul(line.substr(10));
    return bytes;
  };
  std::size_t credit = granted();
  EXPECT_GE(credit, 4u * FlowCredit::kFloorAlone);  // of a line that is taken for a fast one
  for (int round = 0; round < 8; ++round) {
    clock.advance(std::chrono::milliseconds(100));
    for (; credit > 0; credit -= std::min<std::size_t>(credit, Channel::kMaximumPacket)) {
      const std::size_t size = std::min<std::size_t>(credit, Channel::kMaximumPacket);
      server.deliver(data_message(0, std::string(size, 'x')));
      client.deliver(adjust_message(0, static_cast<std::uint32_t>(size)));
    }
    credit = granted();
  }
  EXPECT_GE(credit, 4u * FlowCredit::kFloorAlone);
}

struct AcknowledgedTest : RelayTest {
  AcknowledgedTest() : RelayTest(100'000'000, 100'000'000) {}
};

TEST_F(AcknowledgedTest, TheKernelIsAskedWhereItsLastAnswerLeavesTooLittleRoom) {
  widen();
  const std::uint64_t before = client->asked_what_arrived;
  constexpr int kMessages = 200;
  for (int i = 0; i < kMessages; ++i) {
    server->deliver(data_message(0, std::string(Channel::kMaximumPacket, 'x')));
    client->deliver(adjust_message(0, Channel::kMaximumPacket));
  }
  EXPECT_LE(client->asked_what_arrived - before, kMessages / 8u);
  EXPECT_GT(client->asked_what_arrived, before);
}

}  // namespace
}  // namespace sallyport::mux
