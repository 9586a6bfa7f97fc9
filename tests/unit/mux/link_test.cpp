// What a client's connection is allowed as a whole, and what an administrator sees and ends.
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

using LinkTest = WorldTest;

TEST_F(LinkTest, RefusesChannelsThatItDoesNotKnow) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(1, 1000, "db", 5432));
  client.deliver(open_message(2, 1000, 32768, "tun@openssh.com"));
  client.deliver(open_message(3, 1000, 0));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 1 1 forwarding is not allowed", "REFUSE 2 3 unknown channel type",
                                        "REFUSE 3 1 a maximum packet size of 0"));
  EXPECT_EQ(connections()[0].channels, 0u);
}

TEST_F(LinkTest, RefusesTheChannelBeyondItsLimitAndReusesNumbersOnlyAfterBothCloses) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 1000; ++i) client.deliver(open_message(i, 1000));
  Lines lines = take(client);
  ASSERT_EQ(lines.size(), 1000u);
  EXPECT_EQ(lines[255], "CONFIRM 255 from=255 window=0");
  EXPECT_EQ(lines[256], "REFUSE 256 4 too many channels on this connection: max_channels_per_connection");
  ASSERT_TRUE(end_channel(ChannelId{8}, "ended"));  // our CLOSE has gone, the client's hasn't
  client.take();
  client.deliver(open_message(2000, 1000));
  EXPECT_THAT(take(client), ElementsAre(HasSubstr("REFUSE 2000 4")));
  client.deliver(close_message(7));
  clock.advance(ChannelNumbers::kRest);
  client.deliver(open_message(2001, 1000));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 2001 from=7 window=0"));
}

TEST_F(LinkTest, TheLifeOfAChannelCanBeFollowedOnBothSides) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 5000));
  client.deliver(eof_message(0));
  server.deliver(eof_message(0));
  server.deliver(close_message(0));
  client.deliver(close_message(0));
  EXPECT_THAT(
      journal.states,
      ElementsAre("client 0 requested -> open", "t1 0 opening -> open", "client 0 open -> eof_received", "t1 0 open -> eof_sent",
                  "t1 0 eof_sent -> eof_both", "client 0 eof_received -> eof_both", "t1 0 eof_both -> close_received",
                  "t1 0 close_received -> closed", "client 0 eof_both -> close_sent", "client 0 close_sent -> closed"));
}

Config with_forwarding() {
  Config config = world_config();
  config.defaults.local_forwarding = {"db:5432"};
  return config;
}

struct ForwardedLinkTest : WorldTest {
  ForwardedLinkTest() : WorldTest(with_forwarding(), {.channels_per_connection = 2, .forwarded_per_connection = 300}) {}
};

TEST_F(ForwardedLinkTest, RefusesTheForwardedConnectionBeyondItsLimitAndCountsNoSessions) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 3; ++i) client.deliver(open_message(i, 1000));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 0 from=0 window=0", "CONFIRM 1 from=1 window=0",
                                        "REFUSE 2 4 too many channels on this connection: max_channels_per_connection"));
  for (std::uint32_t i = 0; i < 302; ++i) client.deliver(direct_tcpip_message(100 + i, 1000, "db", 5432));
  const std::string refusal = "4 too many forwarded connections on this connection: max_forwarded_per_connection";
  EXPECT_THAT(take(client), ElementsAre("REFUSE 400 " + refusal, "REFUSE 401 " + refusal));
  EXPECT_TRUE(journal.has("max_forwarded_per_connection"));
  client.deliver(close_message(0));
  client.take();
  client.deliver(open_message(3, 1000));
  EXPECT_THAT(take(client), ElementsAre(HasSubstr("CONFIRM 3 ")));
  client.deliver(direct_tcpip_message(500, 1000, "db", 5432));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 500 " + refusal));
}

TEST_F(LinkTest, SwallowsWhatComesShortlyAfterACloseAndGivesTheNumberToNobody) {
  MemoryPeer& client = connect();
  client.deliver(open_message(1, 1000));
  client.deliver(close_message(0));
  client.take();
  client.deliver(eof_message(0));
  client.deliver(adjust_message(0, 1));
  client.deliver(data_message(0, "late"));
  client.deliver(exec_message(0, "late"));
  client.deliver(open_message(2, 1000));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 2 from=1 window=0"));
  clock.advance(ChannelNumbers::kRest);
  client.deliver(open_message(3, 1000));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 3 from=0 window=0"));
  client.deliver(close_message(1));
  clock.advance(ChannelNumbers::kRest);
  EXPECT_FALSE(client.disconnected());
  EXPECT_FALSE(journal.has("ignored")) << "such are no news";
  client.deliver(eof_message(1));
  EXPECT_FALSE(client.disconnected());
  EXPECT_TRUE(journal.has("ignored c1 a message for a channel that isn't open 1"));
  client.deliver(eof_message(2));
  EXPECT_TRUE(client.disconnected()) << "no channel has had that number";
}

TEST_F(LinkTest, HonoursNoMoreSessionsItself) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  client.deliver(global_message("no-more-sessions@openssh.com", true));
  client.deliver(open_message(8, 1000));
  EXPECT_THAT(take(client), ElementsAre("GLOBAL-SUCCESS", "REFUSE 8 1 no more sessions were to be opened"));
  EXPECT_THAT(take(server), IsEmpty());
}

TEST_F(LinkTest, RefusesGlobalRequestsThatItDoesNotKnow) {
  MemoryPeer& client = connect();
  client.deliver(global_message("tcpip-forward", true));
  client.deliver(global_message("hello@example.com", false));
  client.deliver(global_message("keepalive@openssh.com", true));
  EXPECT_THAT(take(client), ElementsAre("GLOBAL-FAILURE", "GLOBAL-SUCCESS"));
  EXPECT_TRUE(journal.has("request refused c1 tcpip-forward: malformed"));
  EXPECT_TRUE(journal.has("request refused c1 hello@example.com: unknown global request"));
}

TEST_F(LinkTest, OpensNothingUnrecorded) {
  MemoryPeer& client = connect();
  journal.is_healthy = false;
  client.deliver(open_message(1, 1000));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 1 1 the bastion can't write its audit trail"));
}

TEST_F(LinkTest, EndsAConnectionThatAnswersNoKeepalives) {
  MemoryPeer& client = connect("alice", "web1", {seconds(15), 3});
  clock.advance(seconds(15));
  EXPECT_THAT(take(client), ElementsAre("GLOBAL keepalive@openssh.com?"));
  client.deliver(type_only(wire::MessageType::request_failure));  // any answer will do
  clock.advance(seconds(45));
  EXPECT_FALSE(client.disconnected());
  clock.advance(seconds(30));
  ASSERT_TRUE(client.disconnected());
  EXPECT_EQ(*client.disconnected(), "no answer to keepalives");
}

TEST_F(LinkTest, RefusesWhatTheTargetOpensOrAsks) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(wire::build_channel_open("x11", LocalChannel{3}, 1000, 32768, wire::build_x11_open({"127.0.0.1", 6010})));
  server.deliver(global_message("hostkeys-00@openssh.com", false));
  server.deliver(global_message("anything", true));
  EXPECT_THAT(take(server), ElementsAre("REFUSE 3 1 nobody asked for this channel", "GLOBAL-FAILURE"));
  EXPECT_THAT(take(client), IsEmpty());
}

TEST_F(LinkTest, ShowsItsRows) {
  MemoryPeer& client = connect();
  exec(client, 7, "uptime");
  const auto connections = World::connections();
  ASSERT_EQ(connections.size(), 1u);
  EXPECT_EQ(connections[0].user, "alice");
  EXPECT_EQ(connections[0].source, "192.0.2.1:50000");
  EXPECT_EQ(connections[0].target, "web1");
  EXPECT_EQ(connections[0].channels, 1u);
  const auto channels = World::channels();
  ASSERT_EQ(channels.size(), 1u);
  EXPECT_EQ(channels[0].state, "connecting");
  EXPECT_EQ(channels[0].command, "uptime");
  connector.succeed(0).deliver(confirm_message(0, 40, 0));
  EXPECT_EQ(World::channels()[0].state, "open");
  EXPECT_EQ(World::channels()[0].trunk, TrunkId{1});
  EXPECT_EQ(trunks()[0].connections, 1u);
}

TEST_F(RelayTest, AnAdministratorEndsAChannel) {
  ASSERT_TRUE(end_channel(ChannelId{1}, "ended by the administrator"));
  EXPECT_THAT(take(*client),
              ElementsAre("STDERR 7 sallyport: ended by the administrator\n", "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
  server->deliver(data_message(0, "late"));
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_FALSE(end_channel(ChannelId{9}, "x"));
}

TEST_F(RelayTest, AnAdministratorEndsAConnection) {
  ASSERT_TRUE(end_connection(ConnectionId{1}, "go"));
  EXPECT_EQ(client->disconnected(), "go");
  client->finish_disconnect();
  clock.turn();
  EXPECT_TRUE(connections().empty());
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
  EXPECT_FALSE(end_connection(ConnectionId{1}, "go"));
}

TEST_F(RelayTest, AnAdministratorEndsAllConnectionsOfAUser) {
  MemoryPeer& second = connect();
  MemoryPeer& other = connect("alice2");
  const auto both = end_connections_of("alice", "go");
  ASSERT_TRUE(both);
  EXPECT_EQ(*both, 2u);
  EXPECT_EQ(client->disconnected(), "go");
  EXPECT_EQ(second.disconnected(), "go");
  EXPECT_FALSE(other.disconnected());
  const auto none = end_connections_of("ali", "go");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST_F(RelayTest, DrainingLetsOpenChannelsFinish) {
  bool drained = false;
  hub.drain([&] { drained = true; });
  client->deliver(open_message(8, 1000));
  EXPECT_THAT(take(*client), ElementsAre("REFUSE 8 1 the bastion is draining"));
  server->deliver(data_message(0, "on"));
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 on"));
  server->deliver(close_message(0));
  client->deliver(close_message(0));
  clock.advance(seconds(1));
  EXPECT_TRUE(client->disconnected());
  EXPECT_TRUE(server->disconnected());
  client->finish_disconnect();
  server->finish_disconnect();
  clock.advance(seconds(1));
  EXPECT_TRUE(drained);
  EXPECT_TRUE(hub.empty());
}

TEST_F(RelayTest, DrainingDoesNotWaitForWhatAClientHasLeftBehind) {
  bool drained = false;
  client->close();
  clock.turn();
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));  // which is never answered
  hub.drain([&] { drained = true; });
  EXPECT_TRUE(server->disconnected());
  server->finish_disconnect();
  clock.advance(seconds(1));
  EXPECT_TRUE(drained);
}

TEST_F(RelayTest, EndsAllAtOnce) {
  exec(*client, 8, "true", 1000, 1);
  hub.end_all("over");
  EXPECT_EQ(client->disconnected(), "over");
  EXPECT_EQ(server->disconnected(), "over");
  server->finish_disconnect();
  client->finish_disconnect();
  clock.turn();
  EXPECT_TRUE(connections().empty());
}

// --- programs on the bastion -------------------------------------------------------------------------------------

using LocalTest = WorldTest;

TEST_F(LocalTest, RunsACommandWithTheEnvironmentThatIsAccepted) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(env_message(0, "LC_ALL", "C", false));
  client.deliver(env_message(0, "LD_PRELOAD", "x", false));
  client.deliver(exec_message(0, "local thing"));
  ASSERT_EQ(launcher.programs.size(), 1u);
  auto& program = launcher.programs[0];
  EXPECT_THAT(program.spec.argv, ElementsAre("/bin/sh", "-c", "local thing"));
  EXPECT_EQ(program.spec.client, "alice") << "in whose share it is started";
  for (const auto& [name, value] : program.spec.environment) EXPECT_NE(name, "LD_PRELOAD");
  EXPECT_EQ(program.spec.environment[0].first, "LC_ALL");
  client.take();
  program.events->on_started();
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7"));
  client.deliver(data_message(0, "in"));
  client.deliver(eof_message(0));
  EXPECT_EQ(program.input, "in");
  EXPECT_TRUE(program.input_ended);
  program.output("out");
  program.output("err", OutputStream::error);
  program.events->on_exit({.status = 4, .signal = {}, .core_dumped = false});
  program.output("more");
  program.events->on_output_end();
  EXPECT_THAT(take(client),
              ElementsAre("DATA 7 out", "STDERR 7 err", "REQUEST 7 exit-status 4", "DATA 7 more", "EOF 7", "CLOSE 7"));
  clock.turn();
  EXPECT_TRUE(program.hung_up());
}

TEST_F(LocalTest, AnswersRequestsBehindTheProgramsOwnAnswer) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  client.take();
  client.deliver(request_message(0, "signal", true, one_string("NOSUCH")));
  EXPECT_THAT(take(client), IsEmpty());
  launcher.programs[0].events->on_started();
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "FAILURE 7"));
}

TEST_F(LocalTest, HangsUpWhenTheChannelGoes) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  client.deliver(close_message(0));
  clock.turn();
  EXPECT_TRUE(launcher.programs[0].hung_up());
}

TEST_F(LocalTest, WhatIsGivenUpReportsNothingMore) {
  exec(connect(), 7, "local");
  ASSERT_TRUE(end_channel(channels().at(0).id, "over"));
  EXPECT_TRUE(launcher.programs[0].hung_up()) << "at once: on this very turn it might have had something to tell";
}

TEST_F(LocalTest, HangsUpWhenTheClientDies) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  client.close();
  clock.turn();
  EXPECT_TRUE(launcher.programs[0].hung_up());
}

TEST_F(LocalTest, TellsThatAProgramCouldNotBeStarted) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  client.take();
  launcher.programs[0].events->on_failed({Errc::io, "secret path"});
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "STDERR 7 sallyport: the program could not be started\n",
                                        "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
}

TEST_F(LocalTest, RecordsAProgramWhenItHasStarted) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  EXPECT_FALSE(journal.has("started h"));
  launcher.programs[0].events->on_started();
  EXPECT_TRUE(journal.has("started h1"));
}

TEST_F(LocalTest, RecordsNoProgramThatCouldNotBeStarted) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  launcher.programs[0].events->on_failed({Errc::denied, "no such account"});
  client.close();
  clock.turn();
  EXPECT_FALSE(journal.has("started h"));
  EXPECT_TRUE(journal.has("failed h"));
}

TEST_F(LocalTest, RecordsAProgramThatMayHaveStarted) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  client.deliver(close_message(0));  // it may be running by now, and nobody will tell any more
  clock.turn();
  EXPECT_TRUE(journal.has("started h"));
}

TEST_F(LocalTest, RefusesASubsystemThatItLacksAndLetsTheClientAskAgain) {
  MemoryPeer& client = connect("alice", "shell");
  client.deliver(open_message(7, 1000));
  client.deliver(request_message(0, "subsystem", true, one_string("nope")));
  client.deliver(request_message(0, "subsystem", true, one_string("sftp")));
  ASSERT_EQ(launcher.programs.size(), 1u);
  EXPECT_THAT(launcher.programs[0].spec.argv, ElementsAre("/usr/lib/sftp-server"));
  EXPECT_EQ(take(client)[1], "FAILURE 7");
}

TEST_F(LocalTest, OutputWaitsForTheClientsWindow) {
  MemoryPeer& client = connect();
  exec(client, 7, "local", 10);
  auto& program = launcher.programs[0];
  EXPECT_EQ(program.granted, 10u);
  program.output("0123456789");
  EXPECT_EQ(program.granted, 0u);
  client.deliver(adjust_message(0, 5));
  EXPECT_EQ(program.granted, 5u);
}

TEST_F(LocalTest, InputWaitsForTheProgram) {
  MemoryPeer& client = connect();
  exec(client, 7, "local");
  std::size_t sent = 0;
  client.take();
  for (; sent + 32768 <= FlowCredit::kFloorAlone; sent += 32768) client.deliver(data_message(0, std::string(32768, 'x')));
  EXPECT_FALSE(client.disconnected());
  EXPECT_THAT(take(client), IsEmpty());
  launcher.programs[0].take_input();
  EXPECT_THAT(take(client), ElementsAre("ADJUST 7 " + std::to_string(FlowCredit::kFloorAlone)));
}

}  // namespace
}  // namespace sallyport::mux
