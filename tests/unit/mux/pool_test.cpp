// Which trunk carries the next channel.
#include "world.hpp"

namespace sallyport::mux {
namespace {

using wire::OpenFailureReason;

struct PoolTest : WorldTest {
  using WorldTest::WorldTest;
  MemoryPeer& server(std::size_t index) { return connector.dials[index].server; }
  void confirm(std::size_t trunk, std::uint32_t ours, std::uint32_t theirs) {
    server(trunk).deliver(confirm_message(ours, theirs, 1000));
    server(trunk).deliver(success_message(ours));
  }
  void refuse(std::size_t trunk, std::uint32_t ours, OpenFailureReason reason = OpenFailureReason::connect_failed) {
    server(trunk).deliver(refuse_message(ours, reason, "open failed"));
  }
};

TEST_F(PoolTest, ClientsOfOneUserShareATrunk) {
  exec(connect(), 1);
  exec(connect(), 1);
  connector.succeed(0);
  exec(connect(), 1);
  EXPECT_EQ(connector.dials.size(), 1u);
  EXPECT_THAT(take(server(0)),
              ElementsAre(HasSubstr("OPEN session from=0"), HasSubstr("OPEN session from=1"), HasSubstr("OPEN session from=2")));
}

TEST_F(PoolTest, TwoUsersNeverShare) {
  exec(connect("alice"), 1);
  exec(connect("bob"), 1);
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(connector.dials[1].target.user, "bob");
}

TEST_F(PoolTest, MethodsAndTargetsNeverShare) {
  exec(connect("alice", "web1"), 1);
  exec(connect("alice", "web2"), 1);
  Admission other = admission("alice", "web1");
  other.method = "password";
  exec(connect(std::move(other)), 1);
  EXPECT_EQ(connector.dials.size(), 3u);
}

TEST_F(PoolTest, ATrunkTakesChannelsPerTrunkAndTheNextOpensAnother) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 10; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  EXPECT_EQ(connector.dials.size(), 1u);
  exec(client, 10, "true", 1000, 10);
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolTest, NoSecondLoginBesideTheFirstUntilThatHasSucceeded) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 35; ++i) exec(client, i, "true", 1000, i);
  EXPECT_EQ(connector.dials.size(), 1u) << "a wrong key is tried once";
  connector.succeed(0);
  EXPECT_EQ(connector.dials.size(), 4u) << "then the others at once";
  EXPECT_EQ(take(server(0)).size(), 10u);
  for (std::size_t i = 1; i < 4; ++i) connector.succeed(i);
  EXPECT_EQ(take(server(1)).size() + take(server(2)).size() + take(server(3)).size(), 25u);
}

TEST_F(PoolTest, ARefusedOpenGoesToAnotherTrunkAndTheLimitIsLearnt) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  exec(client, 2, "true", 1000, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  refuse(0, 1);
  ASSERT_EQ(connector.dials.size(), 2u);
  EXPECT_EQ(trunks()[0].channel_limit, 1u);
  EXPECT_TRUE(journal.has("full t1 1"));
  connector.succeed(1);
  client.take();
  confirm(1, 0, 40);
  EXPECT_THAT(take(client), ElementsAre("ADJUST 2 1000", "SUCCESS 2")) << "the client notices nothing";
  exec(client, 3, "true", 1000, 2);
  EXPECT_EQ(trunks()[0].channels, 1u) << "the full trunk isn't asked again";
}

TEST_F(PoolTest, TheNextTrunksStartWithTheLimitThatWasLearnt) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 4; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  confirm(0, 0, 40);
  confirm(0, 1, 41);
  refuse(0, 2);
  refuse(0, 3);
  ASSERT_EQ(connector.dials.size(), 2u);
  client.take();
  for (std::uint32_t i = 4; i < 6; ++i) exec(client, i, "true", 1000, i);
  EXPECT_EQ(trunks()[1].channel_limit, 2u);
  ASSERT_EQ(connector.dials.size(), 3u);
  connector.succeed(1);
  EXPECT_EQ(take(server(1)).size(), 2u) << "it isn't asked for what it would refuse";
}

TEST_F(PoolTest, ALearntLimitIsForgottenAfterAWhile) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  exec(client, 2, "true", 1000, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  refuse(0, 1);
  EXPECT_EQ(trunks()[1].channel_limit, 1u);
  server(0).close();
  connector.fail(1, "gone");
  clock.advance(SessionLimits::kRemembered);
  client.take();
  exec(client, 3, "true", 1000, 2);
  EXPECT_EQ(trunks()[0].channel_limit, 10u);
}

TEST_F(PoolTest, ATargetThatEndsItsConnectionOverAQuestionIsAskedNone) {
  connector.answers_first_question = false;
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  EXPECT_THAT(take(server(0)), ElementsAre(HasSubstr("keepalive@openssh.com"), HasSubstr("OPEN session")))
      << "before anything is at stake";
  server(0).close();
  EXPECT_TRUE(journal.has("unquestioned t1"));
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  client.take();
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN session")));
  confirm(1, 0, 40);
  EXPECT_THAT(take(client), ElementsAre(HasSubstr("ADJUST 1"), "SUCCESS 1")) << "the client notices nothing";
  clock.advance(minutes(5));
  EXPECT_THAT(take(server(1)), ::testing::Not(::testing::Contains(HasSubstr("keepalive"))));
  EXPECT_FALSE(server(1).disconnected());
}

TEST_F(PoolTest, ATargetThatHasNeverAnsweredAQuestionIsNotThoughtDead) {
  connector.answers_first_question = false;
  exec(connect(), 1);
  connector.succeed(0);
  clock.advance(seconds(1));
  confirm(0, 0, 40);
  clock.advance(minutes(5));
  EXPECT_FALSE(server(0).disconnected());
  server(0).take();
  clock.advance(minutes(5));
  EXPECT_THAT(take(server(0)), IsEmpty()) << "it isn't asked for ever";
}

TEST_F(PoolTest, NorOneThatWasHeardInTheMillisecondOfTheQuestionAlone) {
  connector.answers_first_question = false;
  exec(connect(), 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  clock.advance(minutes(5));
  EXPECT_FALSE(server(0).disconnected());
}

TEST_F(PoolTest, AConnectionThatEndsBehindSomethingElseDoesNotEndOverTheQuestion) {
  connector.answers_first_question = false;
  exec(connect(), 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  server(0).close();
  EXPECT_FALSE(journal.has("unquestioned t1"));
}

TEST_F(PoolTest, OneThatAnswersIsAskedOnceAPolicy) {
  connector.answers_first_question = false;
  exec(connect(), 1);
  connector.succeed(0);
  server(0).deliver(type_only(wire::MessageType::request_failure));
  server(0).close();
  EXPECT_FALSE(journal.has("unquestioned t1"));
  connector.succeed(1);
  EXPECT_THAT(take(server(1)), ElementsAre(HasSubstr("OPEN session")));
}

TEST_F(PoolTest, AConnectionThatGoesWithTheOpenOfOneMoreSessionShowsALimit) {
  MemoryPeer& client = connect();
  exec(client, 1, "true", 1000, 0);
  connector.succeed(0);
  confirm(0, 0, 40);
  client.take();
  exec(client, 2, "true", 1000, 1);
  server(0).close();
  ASSERT_EQ(connector.dials.size(), 2u);
  client.take();
  exec(client, 3, "true", 1000, 2);
  connector.succeed(1);
  EXPECT_EQ(take(server(1)).size(), 1u) << "nobody shares a trunk that would go with the next one's open";
  EXPECT_EQ(connector.dials.size(), 3u);
}

/// One session at a time, told by refusing the next one's program: as the server among libssh's examples.
struct RefusedProgramTest : PoolTest {
  RefusedProgramTest() : client(connect()) {
    exec(client, 1, "first", 1000, 0);
    connector.succeed(0);
    confirm(0, 0, 40);
    client.take();
    exec(client, 2, "second", 1000, 1);
    server(0).deliver(confirm_message(1, 41, 1000));
    server(0).take();
    client.take();
  }
  MemoryPeer& client;
};

TEST_F(RefusedProgramTest, IsAskedForOnceMoreOnAFreshTrunk) {
  server(0).deliver(failure_message(1));
  EXPECT_THAT(take(server(0)), ElementsAre("CLOSE 41"));
  EXPECT_THAT(take(client), IsEmpty());
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  server(1).take();
  server(1).deliver(confirm_message(0, 50, 1000));
  EXPECT_THAT(take(server(1)), ::testing::Contains("REQUEST 50 exec? second"));
  server(1).deliver(success_message(0));
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 2"));
  exec(client, 3, "third", 1000, 2);
  EXPECT_EQ(connector.dials.size(), 3u) << "that was a limit";
}

TEST_F(RefusedProgramTest, IsRefusedForGoodWhereAFreshTrunkRefusesIt) {
  server(0).deliver(failure_message(1));
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  server(1).deliver(confirm_message(0, 50, 1000));
  server(1).deliver(failure_message(0));
  EXPECT_THAT(take(client), ElementsAre("FAILURE 2"));
  exec(client, 3, "third", 1000, 2);
  EXPECT_EQ(connector.dials.size(), 2u) << "and others share on";
}

TEST_F(RefusedProgramTest, OfAClientThatHasSentDataIsRefusedAndTheNextGoesElsewhere) {
  client.deliver(data_message(1, "input"));
  server(0).deliver(failure_message(1));
  EXPECT_THAT(take(client), ::testing::Contains("FAILURE 2"));
  ASSERT_EQ(connector.dials.size(), 1u);
  exec(client, 3, "third", 1000, 2);
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(RefusedProgramTest, IsRefusedWhenDataComesMeanwhile) {
  server(0).deliver(failure_message(1));
  ASSERT_EQ(connector.dials.size(), 2u);
  client.deliver(data_message(1, "input"));
  EXPECT_THAT(take(client), ElementsAre("FAILURE 2"));
}

TEST_F(PoolTest, SurplusWishesMoveOnWhenALimitWasLearntMeanwhile) {
  MemoryPeer& client = connect();
  exec(client, 0, "true", 1000, 0);
  exec(client, 1, "true", 1000, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  client.take();
  for (std::uint32_t i = 2; i < 20; ++i) exec(client, i, "true", 1000, i);
  ASSERT_EQ(connector.dials.size(), 2u) << "ten on each";
  refuse(0, 1);  // one and no more: it moves to a third trunk, as the second is full of wishes
  ASSERT_EQ(connector.dials.size(), 3u);
  connector.succeed(1);
  EXPECT_EQ(take(server(1)).size(), 1u);
}

TEST_F(PoolTest, ARefusalOnATrunkOfItsOwnIsPassedOn) {
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  refuse(0, 0);
  EXPECT_EQ(take(client)[1], "STDERR 1 sallyport: target web1 refused the channel: open failed\n");
  EXPECT_EQ(connector.dials.size(), 1u);
}

TEST_F(PoolTest, AClosingSlotIsBusyUntilCloseCameBack) {
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 10; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  for (std::uint32_t i = 0; i < 10; ++i) confirm(0, i, 40 + i);
  client.deliver(close_message(3));
  clock.advance(ChannelNumbers::kRest);
  client.take();
  exec(client, 20, "true", 1000, 3);
  EXPECT_EQ(connector.dials.size(), 2u) << "the target hasn't closed yet";
  server(0).deliver(close_message(3));
  exec(client, 21, "true", 1000, 10);
  EXPECT_EQ(trunks()[0].channels, 10u) << "now the slot is used again";
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(PoolTest, AllWhoWaitFailTogetherWithTheReason) {
  MemoryPeer& first = connect();
  MemoryPeer& second = connect();
  exec(first, 1);
  exec(second, 2);
  connector.fail(0, "target web1 can't be reached: connection refused");
  EXPECT_EQ(take(first)[1], "STDERR 1 sallyport: target web1 can't be reached: connection refused\n");
  EXPECT_EQ(take(second)[1], "STDERR 2 sallyport: target web1 can't be reached: connection refused\n");
  EXPECT_TRUE(trunks().empty());
  first.deliver(close_message(0));
  clock.advance(ChannelNumbers::kRest);
  exec(first, 3);
  EXPECT_EQ(connector.dials.size(), 2u) << "a later channel tries again";
}

TEST_F(PoolTest, AnIdleTrunkIsKeptAndThenLetGo) {
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  server(0).deliver(close_message(0));
  client.deliver(close_message(0));
  for (int i = 0; i < 54; ++i) {  // nine minutes
    server(0).deliver(global_message("keepalive@openssh.com", true));
    clock.advance(seconds(10));
  }
  EXPECT_FALSE(server(0).disconnected());
  EXPECT_TRUE(trunks()[0].idle_since);
  client.take();
  exec(client, 2);
  confirm(0, 0, 40);
  for (int i = 0; i < 30; ++i) {
    clock.advance(seconds(30));
    server(0).deliver(global_message("keepalive@openssh.com", true));
  }
  EXPECT_FALSE(server(0).disconnected()) << "it was used again";
}

TEST_F(PoolTest, EndsATrunkAtItsIdleTimeout) {
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  client.close();
  server(0).deliver(close_message(0));
  for (int i = 0; i < 61; ++i) {
    server(0).deliver(global_message("keepalive@openssh.com", true));
    clock.advance(seconds(10));
  }
  EXPECT_EQ(server(0).disconnected(), "idle");
  server(0).finish_disconnect();
  clock.turn();
  EXPECT_TRUE(hub.empty());
}

TEST_F(PoolTest, ATrunkThatIsLostInTheMomentItsIdleTimeIsUpIsJustGone) {
  exec(connect(), 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  clients[0].close();
  const auto lost = clock.after(config->defaults.idle_timeout, [this] { server(0).close(); });
  server(0).deliver(close_message(0));
  for (int i = 0; i < 60; ++i) {
    clock.advance(seconds(10));
    server(0).deliver(global_message("keepalive@openssh.com", true));
  }
  EXPECT_TRUE(server(0).closed());
  EXPECT_FALSE(server(0).disconnected());
  EXPECT_TRUE(hub.empty());
}

TEST_F(PoolTest, ATrunkThatIsLostAtItsMaxAgeIsJustGone) {
  exec(connect(), 1);
  const auto lost = clock.after(config->defaults.max_age, [this] { server(0).close(); });
  connector.succeed(0);
  confirm(0, 0, 40);
  while (!server(0).closed()) {
    clock.advance(seconds(10));
    server(0).deliver(global_message("keepalive@openssh.com", true));
  }
  EXPECT_FALSE(server(0).disconnected());
  EXPECT_THAT(trunks(), IsEmpty());
}

TEST_F(PoolTest, AnOldTrunkDrainsAndAFreshOneTakesOver) {
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  confirm(0, 0, 40);
  for (int i = 0; i < 12 * 360 + 1; ++i) {
    server(0).deliver(global_message("keepalive@openssh.com", true));
    clock.advance(seconds(10));
  }
  EXPECT_EQ(trunks()[0].state, TrunkState::draining);
  EXPECT_FALSE(server(0).disconnected());
  client.take();
  exec(client, 2, "true", 1000, 1);
  EXPECT_EQ(connector.dials.size(), 2u);
  server(0).deliver(close_message(0));
  EXPECT_TRUE(server(0).disconnected());
}

TEST_F(PoolTest, AnOpenThatWasLostIsTriedAgainElsewhere) {
  MemoryPeer& client = connect();
  exec(client, 1);
  connector.succeed(0);
  server(0).close(Errc::io, "reset");
  EXPECT_THAT(take(client), IsEmpty());
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  confirm(1, 0, 40);
  EXPECT_THAT(take(client), ElementsAre("ADJUST 1 1000", "SUCCESS 1"));
}

TEST_F(PoolTest, AnOpenThatIsLostAgainAndAgainFails) {
  MemoryPeer& client = connect();
  exec(client, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    connector.succeed(i);
    server(i).close();
    clock.turn();
  }
  EXPECT_EQ(connector.dials.size(), 3u);
  EXPECT_THAT(take(client)[1], HasSubstr("the connection to target web1 was lost"));
}

TEST_F(PoolTest, TrunksOfAUserAreBounded) {
  hub.configure({.channels_per_connection = 256, .channel_window = 1 << 20, .trunks_per_user = 1, .waiting_channels = 256});
  MemoryPeer& client = connect();
  for (std::uint32_t i = 0; i < 11; ++i) exec(client, i, "true", 1000, i);
  connector.succeed(0);
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 1u);
  EXPECT_THAT(take(client)[1], HasSubstr("too many connections to targets"));
}

TEST_F(PoolTest, DrainingWhileConnectingLetsThoseWhoWaitGoOn) {
  MemoryPeer& client = connect();
  exec(client, 1);
  hub.drain([] {});
  connector.succeed(0);
  confirm(0, 0, 40);
  EXPECT_THAT(take(client), ElementsAre("ADJUST 1 1000", "SUCCESS 1"));
}

TEST_F(PoolTest, EndingAllGivesUpAttempts) {
  MemoryPeer& client = connect();
  exec(client, 1);
  hub.end_all("over");
  EXPECT_TRUE(connector.dials[0].given_up);
  EXPECT_TRUE(trunks().empty());
  EXPECT_TRUE(client.disconnected());
}

}  // namespace
}  // namespace sallyport::mux
