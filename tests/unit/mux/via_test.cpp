// Trunks that are reached through other trunks.
#include "world.hpp"

namespace sallyport::mux {
namespace {

/// web2 is reached through web1, and "far" through web2.
Config via_config() {
  Config config = world_config();
  config.targets["web2"].via = "web1";
  Target far = config.targets["web2"];
  far.name = "far";
  far.host = "far.example";
  far.via = "web2";
  config.targets["far"] = far;
  Route route;
  route.name = "to far";
  route.targets = std::vector<std::string>{"far"};
  route.to = "far";
  config.routes.push_back(route);
  return config;
}

struct ViaTest : WorldTest {
  ViaTest() : WorldTest(via_config()) {}
  MemoryPeer& server(std::size_t index) { return connector.dials[index].server; }
  FakeStreams::Socket& carrier(std::size_t index) { return connector.carriers.sockets[index]; }
  /// web1 is dialled as number 0, its channel 0 is 40 there; web2's attempt is number 1, over the first carrier.
  void reach_web2(MemoryPeer& client) {
    exec(client, 1);
    connector.succeed(0);
    take(server(0));
    server(0).deliver(confirm_message(0, 40, 100000));
    carrier(0).events->on_connected();
  }
};

TEST_F(ViaTest, ATrunkIsCarriedByAChannelOfAnother) {
  MemoryPeer& client = connect("alice", "web2");
  exec(client, 1);
  ASSERT_EQ(connector.dials.size(), 1u);
  EXPECT_EQ(connector.dials[0].target.name, "web1");
  EXPECT_EQ(connector.dials[0].target.user, "alice");
  connector.succeed(0);
  EXPECT_THAT(take(server(0)), ElementsAre(HasSubstr("OPEN direct-tcpip from=0")));
  EXPECT_EQ(connector.dials.size(), 1u);
  server(0).deliver(confirm_message(0, 40, 100000));
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(connector.dials[1].target.name, "web2");
  carrier(0).events->on_connected();
  EXPECT_GT(carrier(0).granted, 0u);
  take(server(0));
  carrier(0).receive("SSH-2.0-inner\r\n");
  EXPECT_THAT(take(server(0)), ElementsAre(HasSubstr("DATA 40")));
  server(0).deliver(data_message(0, "SSH-2.0-web2\r\n"));
  EXPECT_EQ(carrier(0).written, "SSH-2.0-web2\r\n");
  connector.succeed(1);
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN session")));
  const auto rows = trunks();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(Lines({rows[0].path, rows[1].path}), ElementsAre("via web1", ""));
}

TEST_F(ViaTest, ALongerChainIsMadeFromItsFarEnd) {
  exec(connect("alice", "far"), 1);
  EXPECT_EQ(connector.dials[0].target.name, "web1");
  connector.succeed(0);
  server(0).deliver(confirm_message(0, 40, 100000));
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(connector.dials[1].target.name, "web2");
  connector.succeed(1);
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN direct-tcpip")));
  server(1).deliver(confirm_message(0, 41, 100000));
  ASSERT_EQ(connector.dials.size(), 3u);
  EXPECT_EQ(connector.dials[2].target.name, "far");
  EXPECT_EQ(trunks()[0].path, "via web2 via web1");
}

TEST_F(ViaTest, OneCarrierForAllTrunksOfAUserAndNoneForTwoUsers) {
  MemoryPeer& direct = connect("alice", "web1");
  exec(direct, 1);
  exec(connect("alice", "web2"), 1);
  exec(connect("bob", "web2"), 1);
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(connector.dials[0].target.user, "alice");
  EXPECT_EQ(connector.dials[1].target.user, "bob");
  connector.succeed(0);
  EXPECT_THAT(take(server(0)), ElementsAre(HasSubstr("OPEN session"), HasSubstr("OPEN direct-tcpip")));
}

TEST_F(ViaTest, AFailureNamesTheHop) {
  MemoryPeer& client = connect("alice", "far");
  exec(client, 1);
  client.take();
  connector.fail(0, "target web1 can't be reached: connection refused");
  EXPECT_THAT(take(client),
              ::testing::Contains(HasSubstr("target far can't be reached: via web2: via web1: connection refused")));
  EXPECT_THAT(trunks(), IsEmpty());
}

TEST_F(ViaTest, ARefusedChannelNamesTheHop) {
  MemoryPeer& client = connect("alice", "web2");
  exec(client, 1);
  client.take();
  connector.succeed(0);
  server(0).deliver(refuse_message(0, wire::OpenFailureReason::administratively_prohibited, "open failed"));
  EXPECT_THAT(take(client),
              ::testing::Contains(HasSubstr("target web2 can't be reached: via web1: refused the channel: open failed")));
  // A carrier that forwards nothing is no reason to pause logins at it.
  exec(connect("alice", "web1"), 1);
  EXPECT_EQ(connector.dials.size(), 1u);
}

TEST_F(ViaTest, TheWholeWayHasOneTimeOut) {
  MemoryPeer& client = connect("alice", "web2");
  exec(client, 1);
  client.take();
  clock.advance(seconds(4));
  connector.succeed(0);
  clock.advance(seconds(3));
  server(0).deliver(confirm_message(0, 40, 100000));
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(connector.dials[1].target.options.connect_timeout, Duration(seconds(3)));

  MemoryPeer& other = connect("bob", "web2");
  exec(other, 1);
  other.take();
  clock.advance(seconds(10));
  EXPECT_THAT(take(other), IsEmpty()) << "the login on the way may take its time";
  clock.advance(kLoginTime);
  EXPECT_THAT(take(other), ::testing::Contains(HasSubstr("target web2 can't be reached: via web1: no connection in time")));
}

TEST_F(ViaTest, ALostCarrierIsSaid) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 50, 1000));
  server(1).deliver(success_message(0));
  client.take();
  server(0).close(Errc::io, "reset");
  EXPECT_TRUE(carrier(0).was_reset);
  server(1).close(Errc::closed, "the peer closed the connection");  // as the transport over that socket does
  EXPECT_THAT(take(client), ::testing::Contains(HasSubstr("the connection to target web2 was lost with that to target web1")));
  clock.advance(seconds(1));
  EXPECT_THAT(trunks(), IsEmpty());
}

TEST_F(ViaTest, ACarrierThatIsLostDuringTheLoginIsSaidAtOnce) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  client.take();
  server(0).close(Errc::io, "reset");
  EXPECT_THAT(take(client),
              ::testing::Contains(HasSubstr("target web2 can't be reached: via web1: the connection to target web1 was lost")));
  clock.advance(seconds(1));
  EXPECT_TRUE(connector.dials[1].given_up);
  EXPECT_TRUE(carrier(0).closed());
}

TEST_F(ViaTest, ACarrierIsNotIdleWhileItCarries) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  connector.succeed(1);
  clock.advance(seconds(1));
  EXPECT_EQ(trunks()[1].channels, 1u);
  EXPECT_FALSE(trunks()[1].idle_since);
}

TEST_F(ViaTest, WithTheTrunkGoesItsChannel) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  connector.succeed(1);
  take(server(0));
  server(1).close();
  clock.advance(seconds(1));
  EXPECT_THAT(take(server(0)), ::testing::Contains("CLOSE 40"));
  EXPECT_TRUE(carrier(0).closed());
}

TEST_F(ViaTest, ADrainingCarrierDrainsWhatItCarries) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 50, 1000));
  ASSERT_TRUE(stop_trunks({"web1", {}}, "stop"));
  EXPECT_EQ(trunks()[0].state, TrunkState::draining);
  EXPECT_EQ(trunks()[1].state, TrunkState::draining);
  exec(connect("alice", "web2"), 1);
  EXPECT_EQ(connector.dials.size(), 3u) << "a fresh way";
  EXPECT_EQ(connector.dials[2].target.name, "web1");
}

TEST(ViaEndTest, ADaemonEndsWhileALoginOnTheWayAsks) {
  // The order in which trunks go is that of their keys, and so of the length of their targets' names.
  for (const char* name : {"far", "farthest"}) {
    Config config = via_config();
    config.targets["web1"].credentials = {{Credential::Kind::keyboard_interactive, {}}};
    Target farthest = config.targets["far"];
    farthest.name = name;
    config.targets[name] = farthest;
    Route& route = config.routes.back();
    route.targets = std::vector<std::string>{name};
    route.to = name;
    World world(config);
    MemoryPeer& client = world.connect("alice", name);
    client.deliver(open_message(1, 1000));
    client.deliver(pty_message(0, "xterm", true));
    client.deliver(exec_message(0, "true"));
    world.connector.ask(0, {"", "", {{"Code: ", false}}});
    EXPECT_THAT(describe(client.take()), ::testing::Contains(HasSubstr("Code: ")));
  }
}

TEST_F(ViaTest, EndingEverythingEndsTheWaysUnderWay) {
  exec(connect("alice", "far"), 1);
  exec(connect("bob", "web2"), 1);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 40, 100000));
  hub.end_all("the end");
  for (std::size_t i = 0; i < connector.dials.size(); ++i) server(i).finish_disconnect();
  clock.advance(seconds(1));
  EXPECT_THAT(trunks(), IsEmpty());
}

TEST_F(ViaTest, DrainingSaysGoodbyeToWhatIsCarriedBeforeTheCarrier) {
  MemoryPeer& client = connect("alice", "web2");
  reach_web2(client);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 50, 1000));
  client.close();
  clock.turn();
  bool drained = false;
  hub.drain([&] { drained = true; });
  EXPECT_TRUE(server(1).disconnected());
  EXPECT_FALSE(server(0).disconnected()) << "the goodbye goes through it";
  server(1).finish_disconnect();
  clock.advance(seconds(1));
  EXPECT_TRUE(server(0).disconnected());
  server(0).finish_disconnect();
  clock.advance(seconds(1));
  EXPECT_TRUE(drained);
}

TEST_F(ViaTest, AClientThatLeavesGivesUpNothingOfOthers) {
  MemoryPeer& one = connect("alice", "web2");
  MemoryPeer& two = connect("alice", "web2");
  exec(one, 1);
  exec(two, 1);
  one.close();
  connector.succeed(0);
  server(0).deliver(confirm_message(0, 40, 100000));
  connector.succeed(1);
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN session")));
}

}  // namespace
}  // namespace sallyport::mux
