// Connections that a client forwards through the trunk to its target.
#include "world.hpp"

namespace sallyport::mux {
namespace {

using wire::OpenFailureReason;

Config forwarding_config() {
  Config config = world_config();
  config.defaults.local_forwarding = {"db:5432", "*.internal:22", "/run/*.sock"};
  return config;
}

struct ForwardTest : WorldTest {
  ForwardTest() : WorldTest(forwarding_config()) {}
};

/// One client with a connection forwarded to db: the client's number is 7 (the hub's 0), the server's 40 (the hub's 0).
struct ForwardedTest : ForwardTest {
  ForwardedTest() {
    client = &connect();
    client->deliver(direct_tcpip_message(7, 100000, "db", 5432));
    server = &connector.succeed(0);
    EXPECT_THAT(take(*server), ElementsAre("OPEN direct-tcpip from=0 window=100000 db:5432 by 127.0.0.1:40000"));
    EXPECT_THAT(take(*client), IsEmpty());  // nothing before the target has answered
    server->deliver(confirm_message(0, 40, 50000));
    EXPECT_THAT(take(*client), ElementsAre("CONFIRM 7 from=0 window=50000"));
  }
  MemoryPeer* client = nullptr;
  MemoryPeer* server = nullptr;
};

TEST_F(ForwardTest, RefusesWhatIsNotAllowed) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(1, 1000, "db", 5433));
  client.deliver(direct_tcpip_message(2, 1000, "internal", 22));
  client.deliver(direct_streamlocal_message(3, 1000, "/run/../etc/x.sock"));
  client.deliver(direct_streamlocal_message(4, 1000, "/var/x.sock"));
  EXPECT_THAT(take(client),
              ElementsAre("REFUSE 1 1 forwarding to this destination is not allowed",
                          "REFUSE 2 1 forwarding to this destination is not allowed", "REFUSE 3 1 the socket path has '..' in it",
                          "REFUSE 4 1 forwarding to this destination is not allowed"));
  EXPECT_TRUE(journal.has("forward refused h1 direct-tcpip db:5433: not in local_forwarding (db:5432,"));
  EXPECT_EQ(connector.dials.size(), 0u);
}

TEST_F(ForwardTest, RefusesWhatIsNoDestination) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(1, 1000, "db", 0));
  client.deliver(direct_tcpip_message(2, 1000, "db", 70000));
  client.deliver(direct_tcpip_message(3, 1000, "d\033[2Jb", 5432));
  client.deliver(direct_tcpip_message(4, 1000, "", 5432));
  client.deliver(direct_tcpip_message(5, 1000, std::string(256, 'a'), 5432));
  client.deliver(direct_streamlocal_message(6, 1000, "/run/" + std::string(5000, 'x') + ".sock"));
  client.deliver(direct_streamlocal_message(7, 1000, "run/x.sock"));
  const Lines lines = take(client);
  ASSERT_EQ(lines.size(), 7u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_THAT(lines[i], HasSubstr("REFUSE " + std::to_string(i + 1) + " 1 "));
  EXPECT_FALSE(client.disconnected());
}

TEST_F(ForwardedTest, ManyRideOnOneTrunk) {
  const std::size_t limit = config->defaults.channels_per_trunk;
  for (std::uint32_t i = 1; i < 10 * limit; ++i) client->deliver(direct_tcpip_message(7 + i, 1000, "db", 5432));
  EXPECT_EQ(take(*server).size(), 10 * limit - 1);
  EXPECT_EQ(connector.dials.size(), 1u);
  exec(*client, 2000, "true", 1000, static_cast<std::uint32_t>(10 * limit));
  EXPECT_EQ(connector.dials.size(), 1u) << "a session has its own bound";
  client->deliver(direct_tcpip_message(2001, 1000, "db", 5432));
  // What went to the first trunk must have been read there, before this goes elsewhere.
  server->deliver(confirm_message(static_cast<std::uint32_t>(10 * limit), 40, 1000));
  clock.turn();
  EXPECT_THAT(take(*server), ::testing::Contains("GLOBAL keepalive@openssh.com?"));
  EXPECT_EQ(connector.dials.size(), 1u);
  server->deliver(type_only(wire::MessageType::request_success));
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(ForwardTest, RefusesAnOpenThatIsMalformed) {
  MemoryPeer& client = connect();
  client.deliver(open_message(1, 1000, 32768, "direct-tcpip"));
  client.deliver(direct_streamlocal_message(2, 1000, std::string_view("/run/x\0", 7)));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 1 1 malformed", "REFUSE 2 1 malformed"));
  EXPECT_TRUE(journal.has("open refused c1 direct-streamlocal@openssh.com: malformed"));
}

TEST_F(ForwardTest, HonoursTheRestrictionsOfTheKey) {
  Admission restricted = admission("alice", "web1");
  restricted.grant.port_forwarding = false;
  MemoryPeer& client = connect(restricted);
  client.deliver(direct_tcpip_message(1, 1000, "db", 5432));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 1 1 forwarding is not allowed"));
  EXPECT_TRUE(journal.has("the key's options forbid it"));
}

TEST_F(ForwardTest, RefusesOnARouteToTheBastionItself) {
  MemoryPeer& client = connect("alice", "shell");
  client.deliver(direct_tcpip_message(1, 1000, "db", 5432));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 1 1 forwarding is not allowed"));
}

TEST_F(ForwardTest, RulesOfTheRouteDenyItAndSendItElsewhere) {
  Config values = forwarding_config();
  ChannelRule deny;
  deny.requests = {"direct-streamlocal"};
  deny.deny = "no sockets";
  ChannelRule elsewhere;
  elsewhere.requests = {"direct-tcpip"};
  elsewhere.to = "web2";
  values.routes[1].channels = {deny, elsewhere};
  ASSERT_EQ(values.routes[1].to, "web1");
  World world(values);
  MemoryPeer& client = world.connect();
  client.deliver(direct_streamlocal_message(1, 1000, "/run/x.sock"));
  EXPECT_THAT(world.take(client), ElementsAre("REFUSE 1 1 no sockets"));
  client.deliver(direct_tcpip_message(2, 1000, "db", 5432));
  EXPECT_EQ(world.channels().at(0).target, "web2");
  EXPECT_EQ(world.channels().at(0).command, "db:5432");
  EXPECT_EQ(world.channels().at(0).state, "connecting");
}

TEST_F(ForwardTest, AsksForTheSocketAsItWasUnderstood) {
  MemoryPeer& client = connect();
  client.deliver(direct_streamlocal_message(7, 1000, "/run/app.sock"));
  MemoryPeer& server = connector.succeed(0);
  EXPECT_THAT(take(server), ElementsAre("OPEN direct-streamlocal@openssh.com from=0 window=1000 /run/app.sock"));
}

TEST_F(ForwardTest, TellsTheTargetNoOriginatorThatIsNoAddress) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432, "x", 80000));
  MemoryPeer& server = connector.succeed(0);
  EXPECT_THAT(take(server), ElementsAre("OPEN direct-tcpip from=0 window=1000 db:5432 by 0.0.0.0:0"));
}

TEST_F(ForwardTest, PassesOnTheTargetsRefusal) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(refuse_message(0, OpenFailureReason::connect_failed, "Connection refused"));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 2 target web1 refused the channel: Connection refused"));
  EXPECT_TRUE(journal.has("forward refused h1 direct-tcpip db:5432: target web1 refused"));
  clock.turn();
  EXPECT_TRUE(channels().empty());
}

TEST_F(ForwardTest, TellsThatTheTargetCannotBeReached) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  connector.fail(0, "target web1 can't be reached: connection refused");
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 2 target web1 can't be reached: connection refused"));
}

TEST_F(ForwardTest, AClientThatGoesWhileItWaitsLeavesNothing) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  client.close();
  clock.turn();
  server.deliver(confirm_message(0, 40, 1000));
  EXPECT_THAT(take(server), ElementsAre("CLOSE 40"));
  EXPECT_TRUE(channels().empty());
  EXPECT_TRUE(journal.has("closed h1 0/0"));
}

TEST_F(ForwardTest, AnAdministratorEndsOneThatWaits) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  ASSERT_TRUE(end_channel(ChannelId{1}, "ended by the administrator"));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 2 ended by the administrator"));
  clock.turn();
  EXPECT_TRUE(channels().empty());
}

TEST_F(ForwardTest, LivesOnlyAsLongAsTheHub) {
  World world(forwarding_config());
  MemoryPeer& client = world.connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  client.deliver(direct_tcpip_message(8, 1000, "db", 5432));
  MemoryPeer& server = world.connector.succeed(0);
  server.deliver(confirm_message(0, 40, 1000));
}

TEST_F(ForwardedTest, PassesDataAndHalfClosesBothWays) {
  EXPECT_TRUE(journal.has("forwarding h1 direct-tcpip db:5432 by web1"));
  client->deliver(data_message(0, "select"));
  client->deliver(eof_message(0));
  EXPECT_THAT(take(*server), ElementsAre("DATA 40 select", "EOF 40"));
  server->deliver(data_message(0, "rows"));
  server->deliver(eof_message(0));
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 rows", "EOF 7"));
  server->deliver(close_message(0));
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
  EXPECT_TRUE(journal.has("closed h1 6/4"));
  client->deliver(close_message(0));
  clock.turn();
  EXPECT_TRUE(channels().empty());
}

TEST_F(ForwardedTest, TheClientsCloseClosesTheOtherEnd) {
  client->deliver(data_message(0, "last"));
  client->deliver(close_message(0));
  EXPECT_THAT(take(*server), ElementsAre("DATA 40 last", "CLOSE 40"));
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
  server->deliver(data_message(0, "late"));
  EXPECT_THAT(take(*client), IsEmpty());
}

TEST_F(ForwardedTest, CloseWaitsForWhatIsQueued) {
  client->hold_shut();
  server->deliver(data_message(0, std::string(32768, 'a')));
  server->deliver(data_message(0, std::string(32768, 'b')));
  server->deliver(data_message(0, std::string(32768, 'c')));
  server->deliver(close_message(0));
  client->open();
  Lines lines = take(*client);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[2], HasSubstr("DATA 7 ccc"));
  EXPECT_EQ(lines[3], "CLOSE 7");
}

TEST_F(ForwardedTest, AnswersRequestsWithFailureAndPassesOnTheOthers) {
  client->deliver(request_message(0, "anything@example.com", true));
  client->deliver(request_message(0, "eow@openssh.com", false));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
  EXPECT_THAT(take(*server), ElementsAre("REQUEST 40 eow@openssh.com"));
}

TEST_F(ForwardedTest, GrantsNoMoreThanTheOtherEndTakes) {
  for (int i = 0; i < 2; ++i) client->deliver(data_message(0, std::string(20000, 'x')));
  EXPECT_THAT(take(*client), IsEmpty());
  server->take();
  server->deliver(adjust_message(0, 40000));
  EXPECT_THAT(take(*client), ElementsAre("ADJUST 7 40000"));
}

TEST_F(ForwardedTest, ALostTrunkClosesTheClientsChannel) {
  server->close(Errc::io, "reset");
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
  EXPECT_TRUE(journal.has("closed h1 0/0"));
  client->deliver(data_message(0, "late"));
  EXPECT_FALSE(client->disconnected());
}

TEST_F(ForwardedTest, ALostClientClosesTheTrunksChannel) {
  client->close();
  clock.turn();
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
  server->deliver(close_message(0));
  EXPECT_EQ(trunks().at(0).channels, 0u);
}

TEST_F(ForwardedTest, AnAdministratorEndsIt) {
  ASSERT_TRUE(end_channel(ChannelId{1}, "ended by the administrator"));
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
}

TEST_F(ForwardedTest, SharesTheTrunkWithSessions) {
  exec(*client, 8, "true", 1000, 1);
  EXPECT_THAT(take(*server), ElementsAre("OPEN session from=1 window=1000"));
}

TEST_F(ForwardedTest, IsOpenedAfterNoMoreSessionsToo) {
  client->deliver(global_message("no-more-sessions@openssh.com", false));
  client->deliver(direct_tcpip_message(8, 1000, "db", 5432));
  EXPECT_THAT(take(*server), ElementsAre(HasSubstr("OPEN direct-tcpip from=1")));
}

}  // namespace
}  // namespace sallyport::mux
