// The libssh2 problem of 2011: what falls due while a transport is blocked must be neither lost nor doubled nor mixed up.
#include <algorithm>

#include "world.hpp"

namespace sallyport::mux {
namespace {

const std::string kPacket(Channel::kMaximumPacket, 'x');

struct BlockedTest : RelayTest {
  BlockedTest() : RelayTest(100000000, 100000000) { widened_ = widen(); }

  /// Has the server send packets until the client's connection is congested and some are held.
  std::size_t block_client(std::size_t packets = 6) {
    client->hold_shut();
    for (std::size_t i = 0; i < packets; ++i) server->deliver(data_message(0, kPacket));
    return packets * kPacket.size();
  }
  static std::size_t data_bytes(const Lines& lines, std::string_view prefix) {
    std::size_t bytes = 0;
    for (const std::string& line : lines)
      if (line.starts_with(prefix)) bytes += line.size() - prefix.size();
    return bytes;
  }
  static Lines without_data(Lines lines) {
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("DATA"); });
    return lines;
  }
  std::size_t widened_ = 0;  // what the server may send
};

TEST_F(BlockedTest, KeepsEverythingInOrderUntilItOpens) {
  const std::size_t bytes = block_client();
  client->deliver(request_message(0, "signal", true, one_string("INT")));
  server->deliver(success_message(0));
  client->deliver(request_message(0, "keepalive@openssh.com", true));
  client->deliver(global_message("keepalive@openssh.com", true));
  server->deliver(stderr_message(0, "late"));
  server->deliver(eof_message(0));
  server->deliver(exit_status_message(0, 9));
  server->deliver(close_message(0));
  EXPECT_THAT(take(*client), IsEmpty());
  client->open();
  const Lines lines = take(*client);
  EXPECT_EQ(data_bytes(lines, "DATA 7 "), bytes);
  // The global answer has no place among the channel's messages.
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "GLOBAL-SUCCESS"), 1);
  Lines channel = without_data(lines);
  std::erase(channel, "GLOBAL-SUCCESS");
  EXPECT_THAT(channel, ElementsAre("SUCCESS 7", "SUCCESS 7", "STDERR 7 late", "EOF 7", "REQUEST 7 exit-status 9", "CLOSE 7"));
  EXPECT_TRUE(lines.back() == "CLOSE 7");
}

TEST_F(BlockedTest, AnswersAPeersCloseThatComesWhileItsConnectionIsBlocked) {
  block_client();
  client->deliver(close_message(0));
  clock.turn();
  client->open();
  const Lines lines = take(*client);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "CLOSE 7"), 1);
  EXPECT_EQ(lines.back(), "CLOSE 7");
}

TEST_F(BlockedTest, SendsItsOwnHeldCloseWhenThePeersCrossesIt) {
  block_client();
  server->deliver(close_message(0));
  client->deliver(close_message(0));
  clock.turn();
  client->open();
  const Lines lines = take(*client);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "CLOSE 7"), 1);
  EXPECT_EQ(connections()[0].channels, 0u);
}

TEST_F(BlockedTest, WindowAdjustsOvertakeWhatIsHeld) {
  block_client();
  client->deliver(data_message(0, std::string(30000, 'u')));
  client->deliver(data_message(0, std::string(30000, 'u')));
  server->take();
  server->deliver(adjust_message(0, 1000));
  EXPECT_FALSE(client->disconnected());
  client->open();
  EXPECT_EQ(data_bytes(take(*client), "DATA 7 "), 6 * kPacket.size());
}

TEST_F(BlockedTest, StopsGrantingWhileTheClientDoesNotRead) {
  client->hold_shut();
  std::size_t credit = 0;
  const auto count_grants = [&] {
    for (const std::string& line : take(*server))
      if (line.starts_with("ADJUST 40 ")) credit += std::stoul(line.substr(10));
  };
  credit = widened_;
  std::size_t sent = 0;
  while (credit >= kPacket.size()) {
    server->deliver(data_message(0, kPacket));
    credit -= kPacket.size();
    sent += kPacket.size();
    count_grants();
    ASSERT_LE(sent, 2 * widened_) << "a client that doesn't read is sent without end";
  }
  EXPECT_LE(sent, HubSettings{}.channel_window + 256 * 1024);
  client->open();
  EXPECT_EQ(data_bytes(take(*client), "DATA 7 "), sent);
  client->deliver(adjust_message(0, static_cast<std::uint32_t>(sent)));
  count_grants();
  EXPECT_GE(credit, kPacket.size()) << "flow goes on once it reads again";
}

TEST_F(BlockedTest, ASlowClientDoesNotStopAnother) {
  MemoryPeer& other = connect();
  exec(other, 5);
  server->take();
  server->deliver(confirm_message(1, 41, 100000));
  server->deliver(success_message(1));
  other.take();
  EXPECT_EQ(connector.dials.size(), 1u);
  block_client(20);
  server->deliver(data_message(1, "quick"));
  EXPECT_THAT(take(other), ElementsAre("DATA 5 quick"));
  EXPECT_FALSE(server->paused());
}

TEST_F(BlockedTest, JoinsShortMessagesThatAreHeld) {
  block_client();
  for (int i = 0; i < 1000; ++i) server->deliver(data_message(0, "y"));
  server->deliver(stderr_message(0, "e"));
  server->deliver(data_message(0, "z"));
  client->open();
  const Lines lines = take(*client);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[lines.size() - 3].substr(0, 7 + 1000), "DATA 7 " + std::string(1000, 'y'));
  EXPECT_EQ(lines[lines.size() - 2], "STDERR 7 e");
  EXPECT_EQ(lines[lines.size() - 1], "DATA 7 z");
}

TEST_F(BlockedTest, ShortMessagesGoBeforeBulkAndNoChannelStarves) {
  exec(*client, 8, "true", 1000000, 1);
  exec(*client, 9, "true", 1000000, 2);
  server->deliver(confirm_message(1, 41, 0));
  server->deliver(confirm_message(2, 42, 0));
  server->take();
  client->take();
  block_client();
  server->deliver(data_message(1, kPacket));
  server->deliver(data_message(1, kPacket));
  server->deliver(data_message(2, "key"));
  client->let_out(3 * (kPacket.size() + 9));  // down to the low mark
  take(*client);
  client->open();
  const Lines lines = take(*client);
  const auto place = [&lines](std::string_view start) {
    return std::find_if(lines.begin(), lines.end(), [start](const auto& line) { return line.starts_with(start); }) -
           lines.begin();
  };
  EXPECT_LT(place("DATA 9 "), place("DATA 8 "));
  EXPECT_LT(place("DATA 8 "), static_cast<std::ptrdiff_t>(lines.size()) - 2) << "one message each, in turn";
  EXPECT_EQ(data_bytes(lines, "DATA 8 "), 2 * kPacket.size());
}

TEST_F(BlockedTest, RefusesAFloodOfRequestsThatCannotLeave) {
  server->hold_shut();
  client->deliver(data_message(0, kPacket));
  client->deliver(data_message(0, kPacket));
  client->deliver(data_message(0, kPacket));
  const Bytes big(30000, 'r');
  for (int i = 0; i < 100; ++i) client->deliver(request_message(0, "flood@example.com", false, big));
  client->deliver(request_message(0, "flood@example.com", true, big));
  server->open();
  const Lines lines = take(*server);
  EXPECT_LT(lines.size(), 20u);
  EXPECT_THAT(take(*client), ::testing::Contains("FAILURE 7"));
}

TEST_F(BlockedTest, KeepalivesOfATrunkThatIsOnlyWrittenToAreAnswered) {
  for (int i = 0; i < 50; ++i) {
    client->deliver(data_message(0, "x"));
    server->deliver(global_message("keepalive@openssh.com", true));
  }
  const Lines lines = take(*server);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "GLOBAL-SUCCESS"), 50);
}

TEST_F(BlockedTest, AClientThatAsksWithoutReadingIsNoLongerRead) {
  client->hold_shut();
  for (int i = 0; i < 400000 && !client->paused(); ++i) client->deliver(global_message("keepalive@openssh.com", true));
  EXPECT_TRUE(client->paused());
  EXPECT_LE(client->backlog(), 2 * Connection::kPauseBacklog);
  client->open();
  EXPECT_FALSE(client->paused());
  client->deliver(global_message("keepalive@openssh.com", true));
  EXPECT_FALSE(client->disconnected());
}

TEST_F(BlockedTest, AMaximumPacketOfOneByteDoesNotMultiplyWhatIsHeld) {
  client->deliver(open_message(8, 1000000, 1));
  client->deliver(exec_message(1, "true"));
  client->take();
  EXPECT_THAT(take(*server), ElementsAre("OPEN session from=1 window=" + std::to_string(Channel::kMaximumMessages)));
}

}  // namespace
}  // namespace sallyport::mux
