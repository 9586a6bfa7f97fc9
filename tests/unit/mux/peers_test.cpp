// What peers of other people's making owe us, or don't know: signs of life, the end of a channel, patience.
#include "world.hpp"

namespace sallyport::mux {
namespace {

using ::testing::Contains;

constexpr std::uint8_t kIgnore = 2, kUnimplemented = 3;
const KeepaliveSettings kKeepalive{seconds(15), 3};
const char* const kAsked = "GLOBAL keepalive@openssh.com?";

class LifeTest : public WorldTest {};

TEST_F(LifeTest, AnyPacketOfAClientsIsASign) {
  MemoryPeer& client = connect("alice", "web1", kKeepalive);
  for (int i = 0; i < 20; ++i) {
    clock.advance(seconds(15));
    client.deliver_other(kIgnore);
  }
  EXPECT_FALSE(client.disconnected());
  clock.advance(seconds(75));
  EXPECT_TRUE(client.disconnected());
}

TEST_F(LifeTest, AClientIsAskedOnAnOpenChannel) {
  MemoryPeer& client = connect("alice", "web1", kKeepalive);
  exec(client, 7, "local work");
  take(client);
  for (int i = 0; i < 5; ++i) {
    clock.advance(seconds(15));
    EXPECT_THAT(take(client), ElementsAre("REQUEST 7 keepalive@openssh.com?"));
    client.deliver(failure_message(0));
  }
  client.deliver(close_message(0));
  take(client);
  clock.advance(seconds(15));
  EXPECT_THAT(take(client), ElementsAre(kAsked));
  EXPECT_FALSE(journal.has("ignored"));
}

TEST_F(LifeTest, TheAnswerToAKeepaliveIsNotTheTargets) {
  MemoryPeer& client = connect("alice", "web1", kKeepalive);
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 1000));
  server.deliver(success_message(0));
  take(client);
  take(server);
  clock.advance(seconds(15));
  EXPECT_THAT(take(client), ElementsAre("REQUEST 7 keepalive@openssh.com?"));
  client.deliver(success_message(0));
  for (const std::string& line : take(server)) EXPECT_FALSE(line.starts_with("SUCCESS")) << line;
}

TEST_F(LifeTest, AClientThatNeverAnswersCostsABoundedList) {
  MemoryPeer& client = connect("alice", "web1", kKeepalive);
  exec(client, 7, "local work");
  take(client);
  std::size_t on_channel = 0, global = 0;
  for (int i = 0; i < 3000; ++i) {
    clock.advance(seconds(15));
    for (const std::string& line : take(client)) line == kAsked ? ++global : ++on_channel;
    client.deliver_other(kIgnore);
  }
  EXPECT_FALSE(client.disconnected());
  EXPECT_EQ(on_channel, Channel::kMostAsked);
  EXPECT_EQ(global, GlobalRequests::kLimit);
}

Config forwarding_config() {
  Config config = world_config();
  config.defaults.remote_forwarding = {"*"};
  return config;
}

class AskingTest : public WorldTest {
 protected:
  AskingTest() : WorldTest(forwarding_config()) {}
};

TEST_F(AskingTest, UnimplementedAnswersAGlobalRequest) {
  MemoryPeer& client = connect();
  client.deliver(wire::build_global_request("tcpip-forward", true, wire::Writer().string("localhost").uint32(8080).take()));
  MemoryPeer& server = connector.succeed(0);
  clock.turn();
  EXPECT_THAT(take(server), Contains(HasSubstr("tcpip-forward")));
  server.deliver_other(kUnimplemented);
  EXPECT_THAT(take(client), ElementsAre("GLOBAL-FAILURE"));
  server.deliver_other(kUnimplemented);  // to nothing
  EXPECT_FALSE(server.disconnected());
}

class OwedEndTest : public RelayTest {
 protected:
  /// The client has gone, and the target hasn't answered our CLOSE.
  void leave() {
    client->deliver(close_message(0));
    EXPECT_THAT(take(*server), Contains("CLOSE 40"));
    take(*client);
  }
};

TEST_F(OwedEndTest, ATrunkIsIdleThoughATargetOwesACLOSE) {
  leave();
  clock.advance(Connection::kEndPatience - Duration(1));
  EXPECT_FALSE(trunks()[0].idle_since);
  clock.advance(Duration(1));
  ASSERT_TRUE(trunks()[0].idle_since);
  EXPECT_EQ(trunks()[0].channels, 1U) << "the target has it still, and counts it";
  clock.advance(config->defaults.idle_timeout);
  EXPECT_TRUE(server->disconnected());
}

TEST_F(OwedEndTest, ADrainingTrunkGoesThoughATargetOwesACLOSE) {
  leave();
  ASSERT_TRUE(stop_trunks({"web1", {}}, "test"));
  EXPECT_FALSE(server->disconnected());
  clock.advance(Connection::kEndPatience);
  EXPECT_TRUE(server->disconnected());
}

TEST_F(OwedEndTest, ACLOSEThatComesLateEndsTheChannel) {
  leave();
  clock.advance(Connection::kEndPatience);
  server->deliver(close_message(0));
  EXPECT_EQ(trunks()[0].channels, 0U);
  exec(*client, 8, "true", 1000, 0);
  EXPECT_EQ(trunks()[0].channels, 1U);
  clock.advance(minutes(1));
  EXPECT_FALSE(server->disconnected()) << "it is in use";
}

TEST_F(OwedEndTest, ADrainingBastionDoesNotWaitForAClientsCLOSE) {
  server->deliver(eof_message(0));
  server->deliver(exit_status_message(0, 0));
  server->deliver(close_message(0));
  take(*client);
  bool drained = false;
  hub.drain([&drained] { drained = true; });
  EXPECT_FALSE(client->disconnected());
  clock.advance(Connection::kEndPatience + seconds(1));
  EXPECT_TRUE(client->disconnected());
}

class UnattendedTest : public WorldTest {};

TEST_F(UnattendedTest, AProgramWithoutAnswerIsStartedAlthoughItsClientHasClosed) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(env_message(0, "LC_ALL", "C", false));
  client.deliver(exec_message(0, "work", false));
  client.deliver(eof_message(0));
  client.deliver(close_message(0));
  EXPECT_THAT(take(client), Contains("CLOSE 7"));
  client.close();  // nor does the connection matter
  clock.turn();
  MemoryPeer& server = connector.succeed(0);
  EXPECT_THAT(take(server), ElementsAre(HasSubstr("OPEN session")));
  server.deliver(confirm_message(0, 40, 1000));
  EXPECT_THAT(take(server), ElementsAre(HasSubstr("REQUEST 40 env"), "REQUEST 40 exec work", "EOF 40", "CLOSE 40"));
  EXPECT_TRUE(journal.has("started h1 exec work at web1"));
  server.deliver(close_message(0));
  clock.turn();
  EXPECT_EQ(trunks()[0].channels, 0U);
}

TEST_F(UnattendedTest, OneThatCannotBeStartedIsRecorded) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "work", false));
  client.deliver(close_message(0));
  connector.fail(0, "no route");
  EXPECT_TRUE(journal.has("refused h1 no route"));
  EXPECT_FALSE(journal.has("started h1"));
}

TEST_F(UnattendedTest, WhoWaitsForAnAnswerTakesItBackByClosing) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "work"));
  client.deliver(close_message(0));
  EXPECT_THAT(take(connector.succeed(0)), IsEmpty());
}

TEST_F(UnattendedTest, AUserLeavesBehindAFew) {
  for (std::uint32_t i = 0; i < 2 * Unattended::kMostOfUser; ++i) {
    MemoryPeer& client = connect();
    client.deliver(open_message(7, 1000));
    client.deliver(exec_message(0, "work", false));
    client.deliver(close_message(0));
  }
  EXPECT_EQ(trunks()[0].channels, Unattended::kMostOfUser);
}

TEST_F(UnattendedTest, OneOnTheBastionRunsToItsEndWithNobodyToReadIt) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "local work", false));
  client.deliver(close_message(0));
  clock.turn();
  auto& program = launcher.programs.back();
  ASSERT_FALSE(program.hung_up());
  EXPECT_TRUE(program.input_ended);
  EXPECT_TRUE(program.output_ended);
  program.events->on_started();
  for (int i = 0; i < 100; ++i) program.output(std::string(10000, 'e'), OutputStream::error);
  program.events->on_output_end();
  program.events->on_exit({.status = 3});
  EXPECT_TRUE(journal.has("ended h1 3"));
  clock.turn();
  EXPECT_TRUE(program.hung_up()) << "and is gone";
}

TEST_F(UnattendedTest, AProgramThatIsWaitedForIsHungUpAsEver) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "local work"));
  client.deliver(close_message(0));
  clock.turn();
  EXPECT_TRUE(launcher.programs.back().hung_up());
}

TEST_F(WorldTest, AProgramIsToldThatNobodyReadsIt) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "local yes"));
  client.deliver(request_message(0, "eow@openssh.com", false));
  EXPECT_TRUE(launcher.programs.back().output_ended);
}

TEST_F(WorldTest, AClientIsToldThatItsProgramReadsNoMore) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(exec_message(0, "local head"));
  launcher.programs.back().events->on_started();
  take(client);
  launcher.programs.back().events->on_input_closed();
  EXPECT_THAT(take(client), ElementsAre("REQUEST 7 eow@openssh.com"));
}

}  // namespace
}  // namespace sallyport::mux
