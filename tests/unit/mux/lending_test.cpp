// A client's agent and display: who may lend them, the trunks of its own that this takes, and the channels that come of it.
#include "mux/client/lending.hpp"
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

Config lending_config() {
  Config config = world_config();
  config.targets["web1"].options.forward_agent = true;
  config.targets["web1"].options.forward_x11 = true;
  ChannelRule rule;
  rule.requests = {"agent", "x11"};
  rule.deny = "nothing is lent here";
  for (Route& route : config.routes)
    if (route.to == "web2") route.channels.push_back(rule);
  return config;
}

Bytes x11_message(std::uint32_t recipient, std::string_view cookie = "00ff") {
  return request_message(recipient, "x11-req", true,
                         wire::build_fields(wire::X11Request{true, "MIT-MAGIC-COOKIE-1", std::string(cookie), 0}));
}
Bytes agent_message(std::uint32_t recipient) { return request_message(recipient, "auth-agent-req@openssh.com", true); }
Bytes agent_open(std::uint32_t sender) { return wire::build_channel_open(wire::kAgent, LocalChannel{sender}, 100000, 32768); }
Bytes x11_open(std::uint32_t sender) {
  return wire::build_channel_open(wire::kX11, LocalChannel{sender}, 100000, 32768, wire::build_x11_open({"127.0.0.1", 6010}));
}

class LendingTest : public WorldTest {
 protected:
  LendingTest() : WorldTest(lending_config()) {}

  /// A session that brings its agent along, up to the program's start.
  void exec_with_agent(MemoryPeer& client, std::uint32_t sender, std::uint32_t ours = 0) {
    client.deliver(open_message(sender, 100000));
    client.deliver(agent_message(ours));
    client.deliver(exec_message(ours, "true"));
    EXPECT_THAT(take(client), ElementsAre("CONFIRM " + std::to_string(sender) + " from=" + std::to_string(ours) + " window=0"));
  }
};

TEST_F(LendingTest, AnAgentGetsATrunkOfItsOwn) {
  MemoryPeer& plain = connect();
  exec(plain, 1);
  MemoryPeer& one = connect();
  exec_with_agent(one, 7);
  MemoryPeer& two = connect();
  exec_with_agent(two, 8);
  EXPECT_EQ(connector.dials.size(), 3u);
  MemoryPeer& later = connect();
  exec(later, 1);
  EXPECT_EQ(connector.dials.size(), 3u) << "others share as before";
}

TEST_F(LendingTest, TheTargetIsAskedOnceAConnection) {
  MemoryPeer& client = connect();
  exec_with_agent(client, 7, 0);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 100000));
  EXPECT_THAT(take(server), ElementsAre("REQUEST 40 auth-agent-req@openssh.com?", "REQUEST 40 exec? true"));
  server.deliver(success_message(0));
  EXPECT_THAT(take(client), ::testing::Contains("SUCCESS 7"));
  exec_with_agent(client, 8, 1);
  server.deliver(confirm_message(1, 41, 100000));
  EXPECT_THAT(take(server), ElementsAre(HasSubstr("OPEN session"), "REQUEST 41 exec? true"));
  EXPECT_THAT(take(client), ::testing::Contains("SUCCESS 8")) << "the target has it already";
}

TEST_F(LendingTest, TheAgentsChannelsGoToItsClient) {
  MemoryPeer& client = connect();
  exec_with_agent(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(agent_open(50));
  EXPECT_THAT(take(server), ElementsAre("REFUSE 50 1 nobody asked for this channel")) << "not before it was asked";
  server.deliver(confirm_message(0, 40, 100000));
  server.take();
  client.take();
  server.deliver(agent_open(51));
  server.deliver(x11_open(52));
  EXPECT_THAT(take(server), ElementsAre("REFUSE 52 1 nobody asked for this channel"));
  EXPECT_THAT(take(client), ElementsAre("OPEN auth-agent@openssh.com from=1 window=100000"));
  client.deliver(confirm_message(1, 9, 50000));
  EXPECT_THAT(take(server), ElementsAre("CONFIRM 51 from=1 window=50000"));
  server.deliver(data_message(1, "sign this"));
  EXPECT_THAT(take(client), ElementsAre("DATA 9 sign this"));
}

TEST_F(LendingTest, ADisplayIsLentWithItsCookie) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(x11_message(0));
  client.deliver(x11_message(0));
  client.deliver(exec_message(0, "xterm"));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 7 from=0 window=0"));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 100000));
  const auto requests = server.take();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0],
            request_message(40, "x11-req", true, wire::build_fields(wire::X11Request{true, "MIT-MAGIC-COOKIE-1", "00ff", 0})));
  client.take();
  server.deliver(success_message(0));
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "FAILURE 7")) << "the second one in its turn";
  server.deliver(x11_open(50));
  EXPECT_THAT(take(client), ElementsAre("OPEN x11 from=1 window=100000"));
  client.deliver(refuse_message(1, wire::OpenFailureReason::connect_failed, "no display"));
  EXPECT_THAT(take(server), ElementsAre("REFUSE 50 2 no display"));
}

TEST_F(LendingTest, TextsThatXauthWouldStumbleOverAreRefused) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(x11_message(0, ""));
  client.deliver(x11_message(0, "00;reboot"));
  client.deliver(x11_message(0, std::string_view("00\0ff", 5)));
  client.deliver(x11_message(0, std::string(1000, '0')));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 7 from=0 window=0", "FAILURE 7", "FAILURE 7", "FAILURE 7", "FAILURE 7"));
}

TEST_F(LendingTest, WhatMayNotBeLentIsRefused) {
  Admission restricted = admission("alice", "web1");
  restricted.grant.agent_forwarding = restricted.grant.x11_forwarding = false;
  MemoryPeer* peers[] = {&connect("alice", "web2"), &connect("alice", "shell"), &connect("alice", "nowhere"),
                         &connect(std::move(restricted))};
  for (MemoryPeer* client : peers) {
    client->deliver(open_message(7, 100000));
    client->deliver(agent_message(0));
    client->deliver(x11_message(0));
    EXPECT_THAT(take(*client), ElementsAre("CONFIRM 7 from=0 window=0", "FAILURE 7", "FAILURE 7"));
  }
  EXPECT_TRUE(journal.has("auth-agent-req@openssh.com: nothing is lent here (rule 3 (request agent, x11) of route \"to web2\")"));
  EXPECT_TRUE(journal.has("x11-req: target shell is the bastion itself"));
  EXPECT_TRUE(journal.has("x11-req: the key's options forbid it"));
}

TEST_F(LendingTest, ARuleThatLeadsElsewhereLendsNothingThere) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(agent_message(0));
  client.deliver(exec_message(0, "local-command"));
  EXPECT_EQ(launcher.programs.size(), 1u);
  EXPECT_TRUE(connector.dials.empty());
}

TEST_F(LendingTest, ATrunkOfItsOwnEndsWithItsClient) {
  MemoryPeer& client = connect();
  exec_with_agent(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 100000));
  server.take();
  client.close();
  server.deliver(agent_open(50));
  EXPECT_THAT(take(server), ElementsAre("CLOSE 40", "REFUSE 50 1 nobody asked for this channel"));
  EXPECT_FALSE(server.disconnected());
  server.deliver(close_message(0));
  EXPECT_TRUE(server.disconnected());
}

TEST_F(LendingTest, TrunksOfTheirOwnCountForTheUsersLimit) {
  hub.configure({.trunks_per_user = 2});
  for (std::uint32_t i = 0; i < 2; ++i) exec_with_agent(connect(), 7);
  MemoryPeer& third = connect();
  third.deliver(open_message(7, 100000));
  third.deliver(agent_message(0));
  third.deliver(exec_message(0, "true"));
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_TRUE(journal.has("too many connections to targets: max_trunks_per_user is 2; try again later"));
}

}  // namespace
}  // namespace sallyport::mux
