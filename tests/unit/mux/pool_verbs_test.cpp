// What an administrator does to trunks: stop, exit, renew.
#include "world.hpp"

namespace sallyport::mux {
namespace {

struct PoolVerbsTest : WorldTest {
  MemoryPeer& server(std::size_t index) { return connector.dials[index].server; }
  /// A client whose session runs on the trunk of that number.
  MemoryPeer& running(std::size_t trunk, std::string_view user = "alice", std::string_view target = "web1") {
    MemoryPeer& client = connect(user, target);
    exec(client, 1);
    connector.succeed(trunk);
    server(trunk).deliver(confirm_message(0, 40, 1000));
    server(trunk).deliver(success_message(0));
    client.take();
    return client;
  }
  std::size_t done(const Result<std::size_t>& result) { return result ? *result : 0; }
};

TEST_F(PoolVerbsTest, StopLetsTheOldChannelsFinish) {
  MemoryPeer& client = running(0);
  EXPECT_EQ(done(stop_trunks({"web1", ""}, "why")), 1u);
  EXPECT_EQ(trunks()[0].state, TrunkState::draining);
  server(0).deliver(data_message(0, "still here"));
  EXPECT_THAT(take(client), ElementsAre("DATA 1 still here"));
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(connector.dials.size(), 2u) << "what comes next gets a new one";
  server(0).deliver(close_message(0));
  EXPECT_EQ(server(0).disconnected(), "drained");
}

TEST_F(PoolVerbsTest, StopEndsAnIdleTrunk) {
  MemoryPeer& client = running(0);
  server(0).deliver(close_message(0));
  client.deliver(close_message(0));
  EXPECT_EQ(done(stop_trunks({"web1", ""}, "why")), 1u);
  EXPECT_TRUE(server(0).disconnected());
  EXPECT_FALSE(stop_trunks({"web1", ""}, "why")) << "it is ending already";
}

TEST_F(PoolVerbsTest, ExitEndsTheChannelsAndTellsTheClients) {
  MemoryPeer& client = running(0);
  EXPECT_EQ(done(end_trunks({"web1", ""}, "ended by the administrator")), 1u);
  EXPECT_EQ(server(0).disconnected(), "ended by the administrator");
  server(0).finish_disconnect();
  EXPECT_THAT(take(client),
              ElementsAre("STDERR 1 sallyport: the connection to target web1 was lost: ended by the administrator\n",
                          HasSubstr("exit-status 255"), "EOF 1", "CLOSE 1"));
}

TEST_F(PoolVerbsTest, ExitGivesUpALogin) {
  MemoryPeer& client = connect();
  exec(client, 1);
  EXPECT_EQ(done(end_trunks({"web1", ""}, "ended by the administrator")), 1u);
  EXPECT_TRUE(connector.dials[0].given_up);
  EXPECT_THAT(take(client)[1], HasSubstr("was given up: ended by the administrator"));
}

TEST_F(PoolVerbsTest, OnlyTheTargetAndTheUserAreMeant) {
  running(0, "alice", "web1");
  running(1, "bob", "web1");
  running(2, "alice", "web2");
  EXPECT_FALSE(end_trunks({"web", ""}, "why"));
  EXPECT_FALSE(end_trunks({"web1", "carol"}, "why"));
  EXPECT_FALSE(end_trunks({"", ""}, "why"));
  EXPECT_EQ(done(end_trunks({"web1", "bob"}, "why")), 1u);
  EXPECT_FALSE(server(0).disconnected());
  EXPECT_TRUE(server(1).disconnected());
  EXPECT_FALSE(server(2).disconnected());
}

TEST_F(PoolVerbsTest, RenewGivesTheNextChannelAFreshLogin) {
  MemoryPeer& client = running(0);
  EXPECT_EQ(done(renew_trunks({"web1", ""}, "why")), 1u);
  exec(client, 2, "true", 1000, 1);
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN session")));
  EXPECT_FALSE(server(0).disconnected());
}

TEST_F(PoolVerbsTest, RenewEndsAPause) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.fail(0, "target web1 refused the login", Errc::denied);
  client.take();
  EXPECT_FALSE(stop_trunks({"web1", ""}, "why")) << "there is no trunk";
  EXPECT_EQ(done(renew_trunks({"web1", "alice"}, "why")), 1u);
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolVerbsTest, RenewForgetsTheLearntLimit) {
  MemoryPeer& client = running(0);
  exec(client, 2, "true", 1000, 1);
  server(0).deliver(refuse_message(1, wire::OpenFailureReason::connect_failed, "open failed"));
  EXPECT_EQ(trunks()[1].channel_limit, 1u);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 40, 1000));
  client.take();
  EXPECT_EQ(done(renew_trunks({"web1", ""}, "why")), 2u);
  exec(client, 3, "true", 1000, 2);
  EXPECT_EQ(trunks()[2].channel_limit, 10u);
}

TEST_F(PoolVerbsTest, ATrunkThatWaitsForItsTurnCanBeStopped) {
  HubSettings narrow;
  narrow.logins_per_target = 1;
  hub.configure(narrow);
  exec(connect("bob"), 1);
  MemoryPeer& client = connect("alice");
  exec(client, 1);
  EXPECT_EQ(done(stop_trunks({"web1", "alice"}, "why")), 1u);
  connector.succeed(0);
  clock.advance(seconds(1));
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 40, 1000));
  server(1).deliver(close_message(0));
  EXPECT_EQ(server(1).disconnected(), "drained") << "whoever waited already had his channel";
}

TEST_F(PoolVerbsTest, CheckTellsHowLongAnAnswerTakes) {
  running(0);
  running(1, "bob");
  server(0).take();
  std::optional<TargetCheck> found;
  hub.check_trunks({"web1", ""}, [&found](TargetCheck check) { found = std::move(check); });
  EXPECT_THAT(take(server(0)), ElementsAre("GLOBAL keepalive@openssh.com?"));
  clock.advance(Duration(30));
  server(0).deliver(type_only(wire::MessageType::request_failure));  // sshd answers so
  EXPECT_FALSE(found);
  clock.advance(Duration(12));
  server(1).deliver(type_only(wire::MessageType::request_success));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->trunks.size(), 2u);
  EXPECT_EQ(found->trunks[0].round_trip, Duration(30));
  EXPECT_EQ(found->trunks[1].round_trip, Duration(42));
}

TEST_F(PoolVerbsTest, CheckWaitsForItsOwnAnswerBehindEarlierOnes) {
  running(0);
  clock.advance(seconds(15));  // a keepalive that is not answered yet
  bool done = false;
  hub.check_trunks({"web1", ""}, [&done](const TargetCheck& check) { done = check.trunks.at(0).round_trip.has_value(); });
  server(0).deliver(type_only(wire::MessageType::request_failure));
  EXPECT_FALSE(done);
  server(0).deliver(type_only(wire::MessageType::request_failure));
  EXPECT_TRUE(done);
}

TEST_F(PoolVerbsTest, CheckEndsInTimeWhateverBecomesOfTheTrunks) {
  running(0);
  running(1, "bob");
  exec(connect("carol"), 1);
  std::optional<TargetCheck> found;
  hub.check_trunks({"web1", ""}, [&found](TargetCheck check) { found = std::move(check); });
  server(0).close();
  clock.advance(Connections::kCheckTime);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->trunks.size(), 3u);
  EXPECT_FALSE(found->trunks[0].round_trip);
  EXPECT_TRUE(found->trunks[1].asked);
  EXPECT_FALSE(found->trunks[2].asked) << "it is still connecting";
  server(1).deliver(type_only(wire::MessageType::request_failure));
  EXPECT_FALSE(server(1).disconnected()) << "an answer that comes late is none too many";
}

TEST_F(PoolVerbsTest, CheckOfNothingIsEmptyButComesLater) {
  bool done = false;
  hub.check_trunks({"web1", ""}, [&done](const TargetCheck& check) { done = check.trunks.empty(); });
  EXPECT_FALSE(done);
  clock.turn();
  EXPECT_TRUE(done);
}

TEST_F(PoolVerbsTest, CheckTellsOfPauses) {
  exec(connect(), 1);
  connector.fail(0, "target web1 refused the login", Errc::denied);
  std::optional<TargetCheck> found;
  hub.check_trunks({"web1", "alice"}, [&found](TargetCheck check) { found = std::move(check); });
  clock.turn();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->pauses.size(), 1u);
  EXPECT_EQ(found->pauses[0].told, "target web1 refused the login");
  found.reset();
  hub.check_trunks({"web1", "bob"}, [&found](TargetCheck check) { found = std::move(check); });
  clock.turn();
  EXPECT_TRUE(found->pauses.empty());
}

}  // namespace
}  // namespace sallyport::mux
