// What is held for a client and for a user is bounded, whoever makes us hold it, and is given back.
#include <algorithm>

#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
const std::string kPacket(Channel::kMaximumPacket, 'x');

HubSettings small_bounds() {
  HubSettings settings;
  settings.channel_window = kMiB / 2;
  settings.held = {kMiB, 4 * kMiB};
  return settings;
}

class HeldTest : public WorldTest {
 protected:
  explicit HeldTest(HubSettings settings = small_bounds()) : WorldTest(world_config(), settings) {}

  /// Opens channels 0 to `count` - 1.
  static void open_sessions(MemoryPeer& peer, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) peer.deliver(open_message(i, 1000000));
    peer.take();
  }
  std::size_t refused(MemoryPeer& peer) {
    const Lines lines = take(peer);
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("FAILURE"); }));
  }
  /// Variables that are kept until the program is asked for.
  void fill_with_variables(MemoryPeer& peer) {
    open_sessions(peer, 64);
    for (std::uint32_t i = 0; i < 64; ++i)
      for (int j = 0; j < 8; ++j) peer.deliver(env_message(i, "LC_" + std::to_string(j), std::string(15000, 'v'), true));
  }
};

TEST_F(HeldTest, RequestsBeforeTheProgramAreRefusedWhenTooMuchIsHeldForTheConnection) {
  MemoryPeer& client = connect();
  fill_with_variables(client);
  EXPECT_GT(refused(client), 400u);
  EXPECT_LE(hub.held_for("alice"), kMiB / 2 + 16 * 1024);
  EXPECT_FALSE(client.disconnected());
  client.close();
  clock.turn();
  EXPECT_EQ(hub.held_for("alice"), 0u);
}

TEST_F(HeldTest, NoNumberOfConnectionsPassesTheBoundOfTheirUser) {
  for (int i = 0; i < 32; ++i) fill_with_variables(connect());
  EXPECT_LE(hub.held_for("alice"), 3 * kMiB + 16 * 1024);
  // Somebody else's is another account.
  MemoryPeer& other = connect("bob");
  other.deliver(open_message(0, 1000000));
  other.take();
  other.deliver(env_message(0, "LC_ALL", "C", true));
  EXPECT_EQ(refused(other), 0u);
  for (MemoryPeer& peer : clients) peer.close();
  clock.turn();
  EXPECT_EQ(hub.held_for("alice"), 0u);
}

TEST_F(HeldTest, ChannelsCountAndNoMoreAreOpenedForAUserWhoHasMuch) {
  const std::string kRefusal = "4 too much is held for this user";
  std::size_t opened = 0;
  for (int i = 0; i < 32; ++i) {
    MemoryPeer& client = connect();
    for (std::uint32_t j = 0; j < 256; ++j) client.deliver(open_message(j, 1000000));
    for (const std::string& line : take(client)) {
      if (line.rfind("CONFIRM", 0) == 0)
        ++opened;
      else
        EXPECT_THAT(line, HasSubstr(kRefusal));
    }
    EXPECT_FALSE(client.disconnected());
  }
  EXPECT_EQ(opened, 3 * kMiB / Channel::kCost + 1);
  EXPECT_LE(hub.held_for("alice"), 3 * kMiB + Channel::kCost);
  // Nor are channels at the target begun for sessions in which nothing runs yet.
  MemoryPeer& first = clients.front();
  for (std::uint32_t j = 0; j < 256; ++j) first.deliver(env_message(j, "LC_ALL", "C", false));
  EXPECT_LE(hub.held_for("alice"), 3 * kMiB + Channel::kCost);
  first.close();
  clock.turn();
  MemoryPeer& next = connect();
  next.deliver(open_message(0, 1000000));
  EXPECT_THAT(take(next), ElementsAre(HasSubstr("CONFIRM 0")));
}

TEST_F(HeldTest, ALongCommandIsRefusedWhenTooMuchIsHeld) {
  MemoryPeer& client = connect();
  open_sessions(client, 16);
  std::size_t told = 0;
  for (std::uint32_t i = 0; i < 16; ++i) {
    client.deliver(exec_message(i, std::string(100000, 'c')));
    for (const std::string& line : take(client)) told += line.find("too much is held") != std::string::npos ? 1 : 0;
  }
  EXPECT_GE(told, 8u);
  EXPECT_LE(hub.held_for("alice"), kMiB);
}

TEST_F(HeldTest, LongNamesAreRefused) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(3, 1000000, std::string(20000, 'h'), 80, "me", 1));
  EXPECT_THAT(take(client), ElementsAre(HasSubstr("too long a name")));
}

TEST_F(HeldTest, NumbersOfChannelsThatComeAndGoStayFew) {
  MemoryPeer& client = connect();
  std::uint32_t highest = 0;
  for (std::size_t i = 0; i < 3 * ChannelNumbers::kMostResting; ++i) {
    client.deliver(open_message(1, 1000));
    const Lines lines = take(client);
    ASSERT_EQ(lines.size(), 1u);
    const auto at = lines[0].find(" from=");
    ASSERT_NE(at, std::string::npos) << lines[0];
    const auto ours = static_cast<std::uint32_t>(std::stoul(lines[0].substr(at + 6)));
    highest = std::max(highest, ours);
    client.deliver(close_message(ours));
    client.take();
  }
  EXPECT_LE(highest, ChannelNumbers::kMostResting + 1);
  EXPECT_FALSE(client.disconnected());
}

TEST_F(HeldTest, OurOwnGlobalRequestsAreBounded) {
  GlobalRequests asked(clock);
  while (!asked.full()) asked.expect();
  for (std::size_t i = 0; i < GlobalRequests::kLimit; ++i) EXPECT_TRUE(asked.on_answer(true, {}));
  EXPECT_FALSE(asked.on_answer(true, {}));
}

TEST_F(HeldTest, WhatAProgramDoesNotReadCountsAsWell) {
  MemoryPeer& client = connect("alice", "shell");
  client.deliver(open_message(1, 100000));
  client.deliver(exec_message(0, "true"));
  launcher.programs.at(0).events->on_started();
  client.take();
  std::size_t sent = 0;
  for (; sent < 64 * 1024; sent += 1024) client.deliver(data_message(0, std::string(1024, 'x')));
  EXPECT_EQ(hub.held_for("alice"), Channel::kCost + sent);
  launcher.programs.at(0).take_input();
  EXPECT_EQ(hub.held_for("alice"), Channel::kCost);
}

/// One client that has stopped reading, and the target of its sessions, which can't know.
class UnreadTest : public HeldTest {
 protected:
  void SetUp() override {
    for (std::uint32_t i = 0; i < kSessions; ++i) {
      client.deliver(open_message(i, 100000000));
      client.deliver(exec_message(i, "true"));
    }
    server = &connector.succeed(0);
    for (std::uint32_t i = 0; i < kSessions; ++i) {
      server->deliver(confirm_message(i, 40 + i, 100000));
      server->deliver(success_message(i));
    }
    client.take();
    server->take();
    client.hold_shut();
  }
  static constexpr std::uint32_t kSessions = 8;
  MemoryPeer& client = connect();
  MemoryPeer* server = nullptr;
};

TEST_F(UnreadTest, RequestsOfATargetEndTheConnectionThatTheyWaitFor) {
  for (int i = 0; i < 5000 && !client.disconnected(); ++i)
    for (std::uint32_t j = 0; j < kSessions; ++j)
      server->deliver(request_message(j, "xon-xoff", false, one_string(std::string(200, 'x'))));
  EXPECT_LE(hub.held_for("alice"), kMiB + 64 * 1024);
  EXPECT_FALSE(server->disconnected());
}

TEST_F(UnreadTest, DataOfATargetWaitsWithinTheBound) {
  std::size_t sent = 0;
  for (std::uint32_t round = 0; round < 200; ++round) {
    for (std::uint32_t j = 0; j < kSessions; ++j) {
      if (server->disconnected()) break;
      if (sent + kPacket.size() > 6 * FlowCredit::kFloorAlone) break;
      server->deliver(data_message(j, kPacket));
      sent += kPacket.size();
    }
  }
  EXPECT_GT(hub.held_for("alice"), 2 * kSessions * Channel::kCost);
  EXPECT_LE(hub.held_for("alice"), kMiB);
  client.close();
  clock.turn();
  // The target owes the ends of its channels.
  EXPECT_EQ(hub.held_for("alice"), kSessions * Channel::kCost);
}

}  // namespace
}  // namespace sallyport::mux
