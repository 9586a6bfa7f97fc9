// New logins: their pace, the pause after one that was refused, and how long a wish waits.
#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr const char* kRefused = "target web1 refused the login";

struct PoolLoginTest : WorldTest {
  PoolLoginTest() : WorldTest(world_config(), settings()) {}
  static HubSettings settings() {
    HubSettings settings;
    settings.logins_per_target = 2;
    return settings;
  }
  MemoryPeer& server(std::size_t index) { return connector.dials[index].server; }
  /// The line on stderr with which a session ended.
  std::string told(MemoryPeer& client) {
    for (const std::string& line : take(client))
      if (line.rfind("STDERR", 0) == 0) return line;
    return {};
  }
};

TEST_F(PoolLoginTest, LoginsAtOneAddressTakeTurns) {
  for (const char* user : {"alice", "bob", "carol", "dave"}) exec(connect(user), 1);
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(trunks()[2].state, TrunkState::waiting);
  EXPECT_TRUE(journal.has("waiting t3 carol web1"));
  connector.succeed(0);
  clock.turn();
  ASSERT_EQ(connector.dials.size(), 2u) << "the target may not have noticed its end yet";
  server(0).deliver(confirm_message(0, 40, 1000));
  clock.turn();
  ASSERT_EQ(connector.dials.size(), 3u);
  EXPECT_EQ(connector.dials[2].target.user, "carol");
  connector.fail(1, "target web1 can't be reached: connection refused");
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 4u);
}

TEST_F(PoolLoginTest, TheJournalIsToldEachStepOfTrunksAndWishes) {
  exec(connect("alice"), 1);
  connector.succeed(0);
  server(0).deliver(confirm_message(0, 40, 1000));
  EXPECT_THAT(journal.trunk_states, ElementsAre("t1 waiting -> connecting", "c1 web1 placing -> waiting",
                                                "t1 connecting -> ready", "c1 web1 waiting -> taking", "c1 web1 taking -> over"));
  journal.trunk_states.clear();
  exec(connect("bob"), 1);
  connector.fail(1, "target web1 can't be reached: connection refused");
  hub.end_all("over");
  EXPECT_THAT(journal.trunk_states, ElementsAre("t2 waiting -> connecting", "c2 web1 placing -> waiting",
                                                "t2 connecting -> closing", "c2 web1 waiting -> over", "t1 ready -> closing"));
}

TEST_F(PoolLoginTest, OtherAddressesDoNotWait) {
  for (const char* user : {"alice", "bob", "carol"}) exec(connect(user), 1);
  exec(connect("dave", "web2"), 1);
  EXPECT_EQ(connector.dials.size(), 3u);
}

TEST_F(PoolLoginTest, AWishWithoutATurnFailsInTime) {
  for (const char* user : {"alice", "bob"}) exec(connect(user), 1);
  MemoryPeer& carol = connect("carol");
  exec(carol, 1);
  clock.advance(seconds(10));
  EXPECT_THAT(told(carol), HasSubstr("too many logins there at the same time"));
  EXPECT_EQ(trunks().size(), 2u);
}

TEST_F(PoolLoginTest, AWishThatIsGivenUpLeavesTheQueue) {
  for (const char* user : {"alice", "bob"}) exec(connect(user), 1);
  MemoryPeer& carol = connect("carol");
  exec(carol, 1);
  carol.close();
  hub.end_all("over");
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_TRUE(trunks().empty());
}

TEST_F(PoolLoginTest, NobodyWaitsLongerThanTwiceTheConnectTimeoutAndALogin) {
  MemoryPeer& client = connect();
  exec(client, 1);
  clock.advance(seconds(20));
  EXPECT_THAT(told(client), IsEmpty());
  clock.advance(kLoginTime);
  EXPECT_THAT(told(client), HasSubstr("no connection in time"));
}

TEST_F(PoolLoginTest, AfterARefusedLoginTheNextFailsAtOnce) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.fail(0, kRefused, Errc::denied);
  EXPECT_EQ(told(client), "STDERR 1 sallyport: target web1 refused the login\n");
  exec(client, 2, "true", 1000, 1);
  clock.turn();
  EXPECT_EQ(told(client), "STDERR 2 sallyport: target web1 refused the login; next attempt in 1 s\n");
  EXPECT_EQ(connector.dials.size(), 1u);
  EXPECT_TRUE(journal.has("paused t1 alice web1 1000"));
  clock.advance(seconds(1));
  exec(client, 3, "true", 1000, 2);
  EXPECT_EQ(connector.dials.size(), 2u);
  connector.fail(1, kRefused, Errc::denied);
  EXPECT_TRUE(journal.has("paused t2 alice web1 2000"));
}

TEST_F(PoolLoginTest, AHostKeyMismatchPausesAsWell) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.fail(0, "target web1 can't be reached: host key mismatch: SHA256:x", Errc::host_key);
  client.take();
  exec(client, 2, "true", 1000, 1);
  clock.turn();
  EXPECT_THAT(told(client), HasSubstr("host key mismatch: SHA256:x; next attempt in 1 s"));
}

TEST_F(PoolLoginTest, AServerThatIsDownPausesNobody) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 5; ++i) {
    exec(client, i, "true", 1000, i);
    ASSERT_EQ(connector.dials.size(), i + 1);
    connector.fail(i, "target web1 can't be reached: connection refused", Errc::refused);
    client.take();
  }
}

TEST_F(PoolLoginTest, AnotherUserIsNotPaused) {
  MemoryPeer& alice = connect("alice");
  exec(alice, 1);
  connector.fail(0, kRefused, Errc::denied);
  exec(connect("bob"), 1);
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolLoginTest, AReadyTrunkIsUsedInAPause) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 10; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  for (std::uint32_t i = 0; i < 10; ++i) server(0).deliver(confirm_message(i, 40 + i, 1000));
  client.take();
  exec(client, 10, "true", 1000, 10);
  connector.fail(1, kRefused, Errc::denied);  // the key was taken away meanwhile
  client.take();
  server(0).deliver(close_message(3));
  client.deliver(close_message(3));
  client.take();
  clock.advance(ChannelNumbers::kRest);
  exec(client, 12, "true", 1000, 3);
  clock.turn();
  EXPECT_THAT(take(client), IsEmpty()) << "it waits for the target's answer";
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolLoginTest, AQueuedLoginOfAPausedUserIsNotTried) {
  HubSettings one_by_one = settings();
  one_by_one.logins_per_target = 1;
  hub.configure(one_by_one);
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 10; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  for (std::uint32_t i = 0; i < 10; ++i) server(0).deliver(confirm_message(i, 40 + i, 1000));
  client.take();
  for (std::uint32_t i = 10; i < 30; ++i) exec(client, i, "true", 1000, i);
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.fail(1, kRefused, Errc::denied);
  clock.advance(LoginQueue::kSettling);
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(trunks().size(), 1u) << "all who waited have been told";
}

TEST_F(PoolLoginTest, AnOpenWithoutAnswerGoesElsewhere) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.succeed(0);
  clock.advance(seconds(10));
  EXPECT_TRUE(journal.has("silent t1"));
  ASSERT_EQ(connector.dials.size(), 2u);
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(trunks()[0].channels, 1u) << "the silent trunk gets nothing new";
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 40, 1000));
  server(1).deliver(success_message(0));
  EXPECT_THAT(take(client), ElementsAre("ADJUST 1 1000", "SUCCESS 1"));
  server(0).take();
  server(0).deliver(confirm_message(0, 50, 1000));
  EXPECT_THAT(take(server(0)), ElementsAre("CLOSE 50")) << "what comes late is closed";
}

TEST_F(PoolLoginTest, ASilentTrunkIsUsedAgainAfterASignOfLife) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.succeed(0);
  clock.advance(seconds(10));
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.fail(1, "gone");
  client.take();
  clock.advance(Duration(1));
  server(0).deliver(confirm_message(0, 50, 1000));
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(trunks()[0].channels, 2u);
}

TEST_F(PoolLoginTest, AnUnansweredKeepaliveSendsNewChannelsElsewhere) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.succeed(0);
  server(0).deliver(confirm_message(0, 40, 1000));
  clock.advance(seconds(16));  // a keepalive was sent one second ago: that is no sign yet
  client.take();
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(connector.dials.size(), 1u);
  clock.advance(seconds(1));
  exec(client, 3, "true", 1000, 2);
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolLoginTest, ATargetThatNeverAnswersIsGivenUp) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    connector.succeed(i);
    clock.advance(seconds(10));
  }
  EXPECT_EQ(connector.dials.size(), 3u);
  EXPECT_THAT(told(client), HasSubstr("target web1 doesn't answer"));
}

TEST_F(PoolLoginTest, AnAttemptIsHeardOnce) {
  MemoryPeer& client = connect();
  exec(client, 1);
  UpstreamEvents& trunk = *connector.dials[0].events;
  connector.fail(0, "target web1 can't be reached: connection refused");
  EXPECT_TRUE(trunks().empty());
  // It has left the pool, and is in its grave.
  trunk.on_connect_failed({Errc::protocol, "again", "again"});
  MemoryPeer late;
  trunk.on_connected(late.transport());
  EXPECT_EQ(told(client), "STDERR 1 sallyport: target web1 can't be reached: connection refused\n");
  clock.turn();
  EXPECT_FALSE(late.transport_alive());
  exec(client, 2, "true", 1000, 1);
  UpstreamEvents& next = *connector.dials[1].events;
  connector.succeed(1);
  next.on_connect_failed({Errc::protocol, "behind a success", "again"});
  ASSERT_EQ(trunks().size(), 1u);
  EXPECT_EQ(trunks()[0].state, TrunkState::ready);
}

}  // namespace
}  // namespace sallyport::mux
