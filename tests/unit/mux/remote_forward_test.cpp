// Ports and sockets at a target whose connections come back to the client that asked: the registry, answers in order, refusals.
#include "mux/protocol/global_replies.hpp"
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

Config forwarding_config() {
  Config config = world_config();
  config.defaults.remote_forwarding = {"localhost:*", "/tmp/*.sock"};
  config.defaults.idle_timeout = minutes(10);
  ChannelRule denied;
  denied.requests = {"tcpip-forward"};
  denied.deny = "no ports";
  for (Route& route : config.routes)
    if (route.to == "web2") route.channels.push_back(denied);
  return config;
}

Bytes listen_message(std::string_view address, std::uint32_t port, bool want_reply = true) {
  return wire::build_global_request(wire::kTcpipForward, want_reply, wire::build_tcpip_forward(address, port));
}
Bytes cancel_message(std::string_view address, std::uint32_t port, bool want_reply = true) {
  return wire::build_global_request(wire::kCancelTcpipForward, want_reply, wire::build_tcpip_forward(address, port));
}
Bytes listen_message(std::string_view path) {
  return wire::build_global_request(wire::kStreamlocalForward, true, wire::build_streamlocal_forward(path));
}
Bytes connection_message(std::uint32_t sender, std::string_view address, std::uint32_t port,
                         std::string_view originator = "127.0.0.1") {
  return wire::build_channel_open(wire::kForwardedTcpip, LocalChannel{sender}, 100000, 32768,
                                  wire::build_forwarded_tcpip({address, port, originator, 40000}));
}
Bytes socket_connection_message(std::uint32_t sender, std::string_view path) {
  return wire::build_channel_open(wire::kForwardedStreamlocal, LocalChannel{sender}, 100000, 32768,
                                  wire::build_forwarded_streamlocal(path));
}

const std::string kListen = "GLOBAL tcpip-forward?";
const std::string kCancel = "GLOBAL cancel-tcpip-forward";
const std::string kNobody = " 1 nobody asked for this channel";

class RemoteForwardTest : public WorldTest {
 protected:
  RemoteForwardTest() : WorldTest(forwarding_config()) { client = &connect(); }

  /// The client's forward of a port, up to the answer.
  MemoryPeer& listen(MemoryPeer& peer, std::uint32_t port) {
    peer.deliver(listen_message("localhost", port));
    if (connector.dials.size() == 1 && connector.dials[0].events != nullptr) server = &connector.succeed(0);
    clock.turn();
    EXPECT_THAT(take(*server), ElementsAre(kListen));
    server->deliver(type_only(wire::MessageType::request_success));
    EXPECT_THAT(take(peer), ElementsAre("GLOBAL-SUCCESS"));
    return *server;
  }

  MemoryPeer* client;
  MemoryPeer* server = nullptr;
};

TEST_F(RemoteForwardTest, AsksTheTargetAndPassesItsConnectionsOn) {
  listen(*client, 8080);
  EXPECT_TRUE(journal.has("listening f1 localhost:8080 at web1"));
  server->deliver(connection_message(40, "localhost", 8080));
  EXPECT_THAT(take(*server), IsEmpty()) << "not before the client has answered";
  EXPECT_THAT(take(*client), ElementsAre("OPEN forwarded-tcpip from=0 window=100000"));
  client->deliver(confirm_message(0, 7, 50000));
  EXPECT_THAT(take(*server), ElementsAre("CONFIRM 40 from=0 window=50000"));
  server->deliver(data_message(0, "question"));
  client->deliver(data_message(0, "answer"));
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 question"));
  EXPECT_THAT(take(*server), ElementsAre("DATA 40 answer"));
  server->deliver(eof_message(0));
  client->deliver(eof_message(0));
  client->deliver(close_message(0));
  EXPECT_THAT(take(*client), ElementsAre("EOF 7", "CLOSE 7"));
  EXPECT_THAT(take(*server), ElementsAre("EOF 40", "CLOSE 40"));
  EXPECT_TRUE(journal.has("forwarding h1 forwarded-tcpip localhost:8080 from 127.0.0.1 by web1"));
  EXPECT_TRUE(journal.has("closed h1 6/8"));
}

TEST_F(RemoteForwardTest, IsCountedUntilItIsCancelledAndItsClientOnceATrunk) {
  MemoryPeer& second = connect();
  listen(*client, 8080);
  listen(*client, 8081);
  listen(second, 8082);
  server->deliver(connection_message(40, "localhost", 8081));
  EXPECT_EQ(counts().connections, 2u);
  EXPECT_EQ(counts().channels, 1u);
  EXPECT_EQ(counts().trunks, 1u);
  EXPECT_EQ(counts().forwards, 3u);
  EXPECT_EQ(trunks().at(0).connections, 2u) << "whatever else they have there";
  client->deliver(cancel_message("localhost", 8080));
  EXPECT_EQ(counts().forwards, 2u) << "though the target hasn't answered";
  EXPECT_EQ(forwards().size(), 2u);
  second.close();
  EXPECT_EQ(counts().forwards, 1u);
  EXPECT_EQ(trunks().at(0).connections, 1u);
}

TEST_F(RemoteForwardTest, PassesTheClientsRefusalOn) {
  listen(*client, 8080);
  server->deliver(connection_message(40, "localhost", 8080));
  take(*client);
  client->deliver(refuse_message(0, wire::OpenFailureReason::connect_failed, "nobody there"));
  EXPECT_THAT(take(*server), ElementsAre("REFUSE 40 2 nobody there"));
}

TEST_F(RemoteForwardTest, TellsThePortThatTheTargetChose) {
  client->deliver(listen_message("localhost", 0));
  server = &connector.succeed(0);
  clock.turn();
  server->deliver(wire::build_request_success(wire::build_chosen_port(41000)));
  const auto answers = client->take();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0], wire::build_request_success(wire::build_chosen_port(41000)));
  const auto rows = forwards();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].listen, "localhost:41000");
  EXPECT_EQ(rows[0].state, "listening");
  server->deliver(connection_message(40, "localhost", 41000));
  EXPECT_THAT(take(*client), ElementsAre("OPEN forwarded-tcpip from=0 window=100000"));
}

TEST_F(RemoteForwardTest, AChoiceThatIsNoPortIsAFailure) {
  for (const Bytes& rest : {Bytes{}, wire::build_chosen_port(0), wire::build_chosen_port(70000)}) {
    client->deliver(listen_message("localhost", 0));
    if (server == nullptr) server = &connector.succeed(0);
    clock.turn();
    server->deliver(wire::build_request_success(rest));
    EXPECT_THAT(take(*client), ElementsAre("GLOBAL-FAILURE"));
  }
  EXPECT_THAT(forwards(), IsEmpty());
}

TEST_F(RemoteForwardTest, ForwardsSockets) {
  client->deliver(listen_message("/tmp/a.sock"));
  server = &connector.succeed(0);
  clock.turn();
  server->deliver(type_only(wire::MessageType::request_success));
  client->take();
  server->deliver(socket_connection_message(40, "/tmp/a.sock"));
  EXPECT_THAT(take(*client), ElementsAre("OPEN forwarded-streamlocal@openssh.com from=0 window=100000"));
}

TEST_F(RemoteForwardTest, RefusesConnectionsThatNobodyAskedFor) {
  listen(*client, 8080);
  server->deliver(connection_message(40, "localhost", 8081));
  server->deliver(connection_message(41, "127.0.0.1", 8080));
  server->deliver(socket_connection_message(42, "localhost:8080"));
  server->deliver(connection_message(43, "localhost", 8080, std::string_view("1\0002", 3)));
  server->deliver(wire::build_channel_open(wire::kAgent, LocalChannel{44}, 1, 1));
  server->deliver(wire::build_channel_open(wire::kForwardedTcpip, LocalChannel{45}, 1, 1));
  EXPECT_THAT(take(*server), ElementsAre("REFUSE 40" + kNobody, "REFUSE 41" + kNobody, "REFUSE 42" + kNobody,
                                         "REFUSE 43 1 malformed", "REFUSE 44" + kNobody, "REFUSE 45 1 malformed"));
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_TRUE(journal.has("target's open refused t1 forwarded-tcpip: nobody asked for this channel"));
}

TEST_F(RemoteForwardTest, OnePlaceBelongsToOneClient) {
  listen(*client, 8080);
  MemoryPeer& second = connect();
  second.deliver(listen_message("localhost", 8080));
  clock.turn();
  EXPECT_THAT(take(*server), IsEmpty());
  EXPECT_THAT(take(second), ElementsAre("GLOBAL-FAILURE"));
  EXPECT_TRUE(journal.has("not listening c2 tcpip-forward localhost:8080: another connection"));
  second.deliver(cancel_message("localhost", 8080));
  EXPECT_THAT(take(second), ElementsAre("GLOBAL-FAILURE")) << "it is somebody else's";
  EXPECT_THAT(take(*server), IsEmpty());
  EXPECT_EQ(forwards().size(), 1u);
}

TEST_F(RemoteForwardTest, ACancelledPlaceCanBeHadAgainAtOnce) {
  listen(*client, 8080);
  client->deliver(cancel_message("localhost", 8080, false));
  client->deliver(listen_message("localhost", 8080));
  clock.turn();
  EXPECT_THAT(take(*server), ElementsAre(kCancel + "?", kListen));
  server->deliver(connection_message(40, "localhost", 8080));
  EXPECT_THAT(take(*server), ElementsAre("REFUSE 40" + kNobody)) << "the target doesn't listen yet";
  server->deliver(type_only(wire::MessageType::request_success));
  EXPECT_THAT(take(*client), IsEmpty());
  server->deliver(type_only(wire::MessageType::request_success));
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-SUCCESS"));
}

TEST_F(RemoteForwardTest, AnswersTheClientInTheOrderOfItsRequests) {
  client->deliver(listen_message("localhost", 8080));
  client->deliver(global_message("keepalive@openssh.com", true));
  client->deliver(global_message("no-such-request", true));
  client->deliver(listen_message("localhost", 8081));
  client->deliver(global_message("keepalive@openssh.com", true));
  EXPECT_THAT(take(*client), IsEmpty());
  server = &connector.succeed(0);
  clock.turn();
  EXPECT_THAT(take(*server), ElementsAre(kListen, kListen));
  server->deliver(type_only(wire::MessageType::request_failure));
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-FAILURE", "GLOBAL-SUCCESS", "GLOBAL-FAILURE"));
  server->deliver(type_only(wire::MessageType::request_success));
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-SUCCESS", "GLOBAL-SUCCESS"));
}

TEST_F(RemoteForwardTest, AKeepaliveOfOursBetweenTwoQuestionsTakesItsOwnAnswer) {
  client->deliver(listen_message("localhost", 8080));
  server = &connector.succeed(0);
  clock.turn();
  clock.advance(seconds(16));  // keepalive_interval
  EXPECT_THAT(take(*server), ElementsAre(kListen, "GLOBAL keepalive@openssh.com?"));
  server->deliver(type_only(wire::MessageType::request_success));
  server->deliver(type_only(wire::MessageType::request_failure));
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-SUCCESS"));
  EXPECT_FALSE(server->disconnected());
}

TEST_F(RemoteForwardTest, PolicyRefusals) {
  const auto refused = [this](MemoryPeer& peer, Bytes message, std::string_view why) {
    journal.lines.clear();
    peer.deliver(std::move(message));
    EXPECT_THAT(take(peer), ElementsAre("GLOBAL-FAILURE")) << why;
    EXPECT_TRUE(journal.has(why)) << why << ": " << ::testing::PrintToString(journal.lines);
  };
  refused(*client, listen_message("0.0.0.0", 8080), "not in remote_forwarding");
  refused(*client, listen_message("localhost", 70000), "a port above 65535");
  refused(*client, listen_message(std::string_view("localhost\0", 10), 80), "malformed");
  refused(*client, listen_message(std::string(5000, 'a'), 80), "the host name is too long");
  refused(*client, listen_message("/tmp/" + std::string(5000, 'a') + ".sock"), "the socket path is too long");
  refused(*client, listen_message("/etc/a.sock"), "not in remote_forwarding");
  refused(*client, wire::build_global_request(wire::kTcpipForward, true, one_string("localhost")), "malformed");
  refused(*client, wire::build_global_request(wire::kCancelStreamlocalForward, true), "malformed");
  refused(*client, cancel_message("localhost", 8080), "this connection has no such forward");
  refused(connect("alice", "web2"), listen_message("localhost", 80), "no ports");
  refused(connect("alice", "shell"), listen_message("localhost", 80), "is the bastion itself");
  refused(connect("alice", "nowhere"), listen_message("localhost", 80), "no route");
  Admission restricted = admission("alice", "web1");
  restricted.grant.port_forwarding = false;
  refused(connect(std::move(restricted)), listen_message("localhost", 80), "the key's options forbid it");
  EXPECT_TRUE(connector.dials.empty());
}

TEST_F(RemoteForwardTest, ForwardsAreLimited) {
  hub.configure({.forwards_per_connection = 2});
  MemoryPeer& limited = connect();
  for (std::uint32_t port = 1; port <= 3; ++port) limited.deliver(listen_message("localhost", port));
  connector.fail(0, "target web1 can't be reached");
  EXPECT_THAT(take(limited), ElementsAre("GLOBAL-FAILURE", "GLOBAL-FAILURE", "GLOBAL-FAILURE"));
  EXPECT_TRUE(journal.has("localhost:3: too many forwards on this connection: max_forwards_per_connection"));
  EXPECT_TRUE(journal.has("localhost:1: target web1 can't be reached"));
}

TEST_F(RemoteForwardTest, AFloodOfUnansweredRequestsEndsTheClient) {
  for (std::size_t i = 0; i <= GlobalReplies::kLimit && !client->disconnected(); ++i)
    client->deliver(listen_message("localhost", 8080));
  ASSERT_TRUE(client->disconnected());
  EXPECT_EQ(*client->disconnected(), "too many unanswered global requests");
}

TEST_F(RemoteForwardTest, AClientThatGoesLeavesNothingAtTheTarget) {
  listen(*client, 8080);
  server->deliver(connection_message(40, "localhost", 8080));
  take(*client);
  client->close();
  EXPECT_THAT(take(*server), ElementsAre("REFUSE 40 2 the other end is gone", kCancel));
  clock.turn();
  EXPECT_THAT(forwards(), IsEmpty());
  MemoryPeer& next = connect();
  listen(next, 8080);
}

TEST_F(RemoteForwardTest, AClientThatGoesBeforeTheAnswerLeavesNothingEither) {
  client->deliver(listen_message("localhost", 0));
  client->deliver(listen_message("localhost", 8080));
  server = &connector.succeed(0);
  clock.turn();
  take(*server);
  client->close();
  EXPECT_THAT(take(*server), ElementsAre(kCancel)) << "the port of the other one is not known yet";
  clock.turn();
  server->deliver(wire::build_request_success(wire::build_chosen_port(41000)));
  EXPECT_THAT(take(*server), ElementsAre(kCancel));
  server->deliver(type_only(wire::MessageType::request_success));
  EXPECT_FALSE(server->disconnected());
}

TEST_F(RemoteForwardTest, AClientThatGoesBetweenACancelAndTheAnswersHearsOfNeither) {
  for (const bool listens : {true, false}) {
    MemoryPeer& gone = connect();
    gone.deliver(listen_message("localhost", 8080));
    if (server == nullptr) server = &connector.succeed(0);
    clock.turn();
    take(*server);
    gone.deliver(cancel_message("localhost", 8080));
    clock.turn();
    EXPECT_THAT(take(*server), ElementsAre(kCancel + "?"));
    gone.close();
    clock.turn();
    clock.turn();
    const auto answer = listens ? wire::MessageType::request_success : wire::MessageType::request_failure;
    server->deliver(type_only(answer));
    server->deliver(type_only(answer));
    EXPECT_FALSE(server->disconnected());
    EXPECT_THAT(take(*server), IsEmpty()) << "it has been cancelled already";
    EXPECT_THAT(forwards(), IsEmpty());
  }
}

TEST_F(RemoteForwardTest, ATargetThatNeverAnswersIsAFailure) {
  client->deliver(listen_message("localhost", 8080));
  server = &connector.succeed(0);
  clock.turn();
  take(*server);
  for (int i = 0; i < 4; ++i) {  // it lives: it sends what needs no answer
    clock.advance(seconds(8));
    server->deliver(global_message("hostkeys-00@openssh.com", false));
  }
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-FAILURE"));
  EXPECT_THAT(take(*server), ElementsAre(kCancel));
  server->deliver(type_only(wire::MessageType::request_success));  // after all
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_THAT(forwards(), IsEmpty());
}

TEST_F(RemoteForwardTest, ALostTargetEndsTheClientThatBelievesInAForward) {
  listen(*client, 8080);
  MemoryPeer& other = connect();
  server->close(Errc::io, "reset");
  ASSERT_TRUE(client->disconnected());
  EXPECT_EQ(*client->disconnected(), "the connection to target web1 was lost, and a forwarded port with it");
  EXPECT_FALSE(other.disconnected());
  client->finish_disconnect();
  clock.turn();
  EXPECT_EQ(hub.connection_count(), 1u);
}

TEST_F(RemoteForwardTest, ALostTargetFailsWhatWaits) {
  client->deliver(listen_message("localhost", 8080));
  server = &connector.succeed(0);
  clock.turn();
  server->close(Errc::io, "reset");
  EXPECT_THAT(take(*client), ElementsAre("GLOBAL-FAILURE"));
  EXPECT_FALSE(client->disconnected());
}

TEST_F(RemoteForwardTest, AForwardKeepsItsTrunk) {
  listen(*client, 8080);
  for (int i = 0; i < 4 * 60; ++i) {
    clock.advance(seconds(15));
    server->deliver(global_message("hostkeys-00@openssh.com", false));  // a sign of life
  }
  EXPECT_FALSE(server->disconnected());
  EXPECT_FALSE(trunks().at(0).idle_since);
  client->close();
  clock.turn();
  EXPECT_TRUE(trunks().at(0).idle_since);
  for (int i = 0; i < 4 * 11; ++i) {
    clock.advance(seconds(15));
    server->deliver(global_message("hostkeys-00@openssh.com", false));
  }
  EXPECT_TRUE(server->disconnected());
}

TEST_F(RemoteForwardTest, ADrainingBastionTakesNoneAndWaitsForNone) {
  listen(*client, 8080);
  hub.drain([] {});
  ASSERT_TRUE(client->disconnected());
  client->finish_disconnect();
  clock.turn();
  EXPECT_TRUE(server->disconnected());
}

TEST(GlobalRepliesTest, LeaveInTheOrderOfTheirRequests) {
  GlobalReplies replies;
  std::vector<Bytes> sent;
  const auto answer = [&](GlobalReplies::Ticket ticket, std::uint8_t byte) {
    replies.answer(ticket, {byte}, [&sent](ByteView message) { sent.emplace_back(message.begin(), message.end()); });
  };
  const auto one = replies.expect();
  const auto two = replies.expect();
  const auto three = replies.expect();
  answer(GlobalReplies::Ticket::none, 9);
  answer(two, 2);
  EXPECT_TRUE(sent.empty());
  answer(one, 1);
  answer(three, 3);
  EXPECT_EQ(sent, (std::vector<Bytes>{{1}, {2}, {3}}));
}

}  // namespace
}  // namespace sallyport::mux
