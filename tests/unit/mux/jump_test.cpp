// Connections that the bastion makes itself for a client (jump = "direct"), and those that lead to it ("terminate").
#include "mux/flow/flow_credit.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

Config jump_config(Jump jump) {
  Config config = world_config();
  config.defaults.local_forwarding = {"db:5432", "web*:22", "/run/*.sock"};
  config.defaults.jump = jump;
  config.targets.at("shell").local.user = "app";
  config.targets.at("shell").local.permit_accounts = {"app*"};
  config.defaults.connect_timeout = seconds(7);
  return config;
}

struct DirectTest : WorldTest {
  DirectTest() : WorldTest(jump_config(Jump::direct)) {}
};

/// One client with a connection to db; the client's number is 7 (the hub's 0).
struct DirectlyConnectedTest : DirectTest {
  explicit DirectlyConnectedTest(std::uint32_t window = 100000) {
    client = &connect();
    client->deliver(direct_tcpip_message(7, window, "db", 5432));
    EXPECT_THAT(take(*client), IsEmpty());
    socket = &streams.sockets.at(0);
    socket->events->on_connected();
    EXPECT_THAT(take(*client), ElementsAre("CONFIRM 7 from=0 window=" + std::to_string(FlowCredit::kFloorAlone)));
  }
  MemoryPeer* client = nullptr;
  FakeStreams::Socket* socket = nullptr;
};

TEST_F(DirectTest, ConnectsItself) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  client.deliver(direct_streamlocal_message(8, 1000, "/run/app.sock"));
  ASSERT_EQ(streams.sockets.size(), 2u);
  EXPECT_EQ(streams.sockets[0].address.host, "db");
  EXPECT_EQ(streams.sockets[0].address.port, 5432);
  EXPECT_EQ(streams.sockets[0].limit, seconds(7));
  EXPECT_EQ(streams.sockets[1].address.path, "/run/app.sock");
  EXPECT_TRUE(connector.dials.empty());
  EXPECT_EQ(channels().at(0).state, "connecting");
}

TEST_F(DirectTest, ServesRoutesToTheBastionToo) {
  MemoryPeer& client = connect("alice", "shell");
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  EXPECT_EQ(streams.sockets.size(), 1u);
}

TEST_F(DirectTest, SocketsAreForTheAccountOfTheTarget) {
  connect().deliver(direct_streamlocal_message(7, 1000, "/run/app.sock"));
  EXPECT_FALSE(streams.sockets.at(0).address.account);
  connect("alice", "shell").deliver(direct_streamlocal_message(7, 1000, "/run/app.sock"));
  const auto& account = streams.sockets.at(1).address.account;
  ASSERT_TRUE(account);
  EXPECT_EQ(account->user, "app");
  EXPECT_EQ(account->login.permit_accounts, std::vector<std::string>{"app*"});
}

TEST_F(DirectTest, WhatIsDeniedIsToldAsForbidden) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  streams.sockets.back().events->on_failed({Errc::denied, "it is the daemon's own"});
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 1 forwarding to this destination is not allowed"));
  EXPECT_TRUE(journal.has("direct-tcpip db:5432: it is the daemon's own"));
}

TEST_F(DirectTest, RefusesWhatIsNotAllowed) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5433));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 1 forwarding to this destination is not allowed"));
  EXPECT_TRUE(streams.sockets.empty());
}

TEST_F(DirectTest, TellsWhyItCannotConnect) {
  MemoryPeer& client = connect();
  for (const auto& [code, told] : {std::pair(Errc::refused, "connection refused"),
                                   {Errc::not_found, "name not found"},
                                   {Errc::timeout, "no answer in time"},
                                   {Errc::io, "connect failed"}}) {
    client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
    streams.sockets.back().events->on_failed({code, "secret detail"});
    EXPECT_THAT(take(client), ElementsAre(std::string("REFUSE 7 2 ") + told));
    clock.turn();
    EXPECT_TRUE(streams.sockets.back().closed());
  }
  EXPECT_TRUE(journal.has("direct-tcpip db:5432: secret detail"));
  EXPECT_TRUE(channels().empty());
}

TEST_F(DirectTest, AClientThatGoesGivesUpConnecting) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  client.close();
  EXPECT_TRUE(streams.sockets[0].closed());
}

TEST_F(DirectTest, AnAdministratorGivesUpConnecting) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "db", 5432));
  ASSERT_TRUE(end_channel(ChannelId{1}, "ended"));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 2 ended"));
  EXPECT_TRUE(streams.sockets[0].closed());
}

TEST_F(DirectlyConnectedTest, PassesDataAndHalfCloses) {
  EXPECT_EQ(socket->granted, 100000u);
  client->deliver(data_message(0, "select"));
  client->deliver(eof_message(0));
  EXPECT_EQ(socket->written, "select");
  EXPECT_TRUE(socket->output_ended);
  socket->events->on_output_end();
  socket->receive("rows");
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 rows"));
  socket->events->on_input_end();
  EXPECT_THAT(take(*client), ElementsAre("EOF 7", "CLOSE 7"));
  EXPECT_TRUE(journal.has("closed h1 6/4"));
  clock.turn();
  EXPECT_TRUE(socket->closed());
  EXPECT_FALSE(socket->was_reset);
}

TEST_F(DirectlyConnectedTest, TheServerMayEndFirst) {
  socket->events->on_input_end();
  EXPECT_THAT(take(*client), ElementsAre("EOF 7"));
  client->deliver(data_message(0, "still"));
  EXPECT_EQ(socket->written, "still");
  client->deliver(eof_message(0));
  EXPECT_THAT(take(*client), IsEmpty());
  socket->events->on_output_end();
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
}

TEST_F(DirectlyConnectedTest, TheClientsCloseClosesTheSocketBehindWhatIsQueued) {
  client->deliver(data_message(0, "last"));
  client->deliver(close_message(0));
  EXPECT_EQ(socket->written, "last");
  EXPECT_TRUE(socket->closed());
  EXPECT_FALSE(socket->was_reset);
}

TEST_F(DirectlyConnectedTest, ALostClientResetsTheSocket) {
  client->close();
  EXPECT_TRUE(socket->was_reset);
  EXPECT_TRUE(socket->closed());
}

TEST_F(DirectlyConnectedTest, AResetClosesTheChannelWithoutEof) {
  socket->events->on_broken({Errc::io, "reset"});
  EXPECT_THAT(take(*client), ElementsAre("CLOSE 7"));
  clock.turn();
  EXPECT_TRUE(socket->closed());
}

TEST_F(DirectlyConnectedTest, AClientIsHeldWhileTheSocketTakesNothing) {
  socket->takes_all = false;
  for (std::uint32_t sent = 0; sent + 32768 <= FlowCredit::kFloorAlone; sent += 32768)
    client->deliver(data_message(0, std::string(32768, 'x')));
  EXPECT_FALSE(client->disconnected());
  EXPECT_THAT(take(*client), IsEmpty());
  socket->send_all();
  EXPECT_THAT(take(*client), ElementsAre("ADJUST 7 " + std::to_string(FlowCredit::kFloorAlone)));
}

TEST_F(DirectlyConnectedTest, NothingIsReadWhileTheClientTakesNothing) {
  socket->receive(std::string(100000, 'x'));
  client->take();
  EXPECT_EQ(socket->granted, 0u);
  client->deliver(adjust_message(0, 5000));
  EXPECT_EQ(socket->granted, 5000u);
  client->hold_shut();
  socket->receive(std::string(5000, 'x'));
  client->deliver(adjust_message(0, 200000));
  while (client->backlog() <= Transport::kHighMark || socket->granted > 20000) socket->receive(std::string(5000, 'x'));
  const std::size_t granted = socket->granted;
  client->deliver(adjust_message(0, 200000));
  EXPECT_EQ(socket->granted, granted);  // congested: no more for now
  client->open();
  EXPECT_GT(socket->granted, granted);
}

TEST_F(DirectlyConnectedTest, AnswersRequestsWithFailure) {
  client->deliver(request_message(0, "anything@example.com", true));
  client->deliver(request_message(0, "eow@openssh.com", false));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
}

// --- terminate ---------------------------------------------------------------------------------------------------

struct TerminateTest : WorldTest {
  TerminateTest() : WorldTest(jump_config(Jump::terminate)) {}
};

TEST_F(TerminateTest, LeadsToSallyportItself) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "web2", 22));
  ASSERT_EQ(streams.sockets.size(), 1u);
  const auto& inner = streams.sockets[0].inner;
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->outer, ConnectionId{1});
  EXPECT_EQ(inner->source, "192.0.2.1");
  EXPECT_EQ(inner->source_port, 50000);
  EXPECT_EQ(inner->asked_target, "web2");
  streams.sockets[0].events->on_connected();
  streams.sockets[0].receive("SSH-2.0-");
  EXPECT_EQ(take(client).at(1), "DATA 7 SSH-2.0-");
}

TEST_F(TerminateTest, RefusesWhatIsNoTargetOrNotAllowed) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(1, 1000, "other", 22));
  client.deliver(direct_tcpip_message(2, 1000, "web:1", 22));
  client.deliver(direct_streamlocal_message(3, 1000, "/run/app.sock"));
  EXPECT_THAT(take(client),
              ElementsAre("REFUSE 1 1 forwarding to this destination is not allowed",
                          "REFUSE 2 1 this is not the name of a target", "REFUSE 3 1 this is not the name of a target"));
}

TEST_F(TerminateTest, IsNotNested) {
  Admission inner = admission("alice", "web1");
  inner.outer = ConnectionId{77};
  MemoryPeer& client = connect(inner);
  client.deliver(direct_tcpip_message(7, 1000, "web2", 22));
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 1 forwarding is not allowed"));
  EXPECT_TRUE(streams.sockets.empty());
}

TEST_F(TerminateTest, TellsThatNoMoreMayComeIn) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 1000, "web2", 22));
  streams.sockets[0].events->on_failed({Errc::limit, "max_startups"});
  EXPECT_THAT(take(client), ElementsAre("REFUSE 7 2 too many connections; try again later"));
}

}  // namespace
}  // namespace sallyport::mux
