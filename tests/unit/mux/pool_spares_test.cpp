// How long trunks are kept (idle_timeout, linger), and spare ones (warm).
#include "world.hpp"

namespace sallyport::mux {
namespace {

Config config_with(std::uint32_t warm, std::optional<Duration> linger) {
  Config config = world_config();
  config.defaults.keepalive_interval = Duration::zero();
  config.defaults.max_age = Duration::zero();
  config.defaults.channels_per_trunk = 2;
  config.defaults.warm = warm;
  config.defaults.linger = linger;
  return config;
}

struct KeepingTest : WorldTest {
  explicit KeepingTest(std::uint32_t warm = 0, std::optional<Duration> linger = {}) : WorldTest(config_with(warm, linger)) {}
  MemoryPeer& server(std::size_t index) { return connector.dials[index].server; }
  /// A session of the client's begins and, if nobody is logged in yet, its login succeeds.
  void begin(MemoryPeer& client, std::size_t trunk, std::uint32_t number = 0) {
    client.take();
    exec(client, number, "true", 1000, number);
    if (connector.dials.size() == trunk + 1 && connector.dials[trunk].events != nullptr) connector.succeed(trunk);
    server(trunk).deliver(confirm_message(number % 2, 40 + number, 1000));
  }
  void finish(MemoryPeer& client, std::size_t trunk, std::uint32_t number = 0) {
    server(trunk).deliver(close_message(number % 2));
    client.deliver(close_message(number));
  }
  void leave(MemoryPeer& client) { client.close(); }
  std::size_t trunk_count() { return trunks().size(); }
};

struct LingerTest : KeepingTest {
  LingerTest() : KeepingTest(0, minutes(1)) {}
};

TEST_F(KeepingTest, WithoutLingerTheIdleTimeHoldsForAll) {
  MemoryPeer& client = connect();
  begin(client, 0);
  finish(client, 0);
  clock.advance(minutes(5));
  leave(client);
  clock.advance(minutes(10) - Duration(1));
  EXPECT_FALSE(server(0).disconnected()) << "it counts from the last client's end";
  clock.advance(Duration(1));
  EXPECT_EQ(server(0).disconnected(), "idle");
}

TEST_F(LingerTest, HoldsOnceTheLastClientHasGone) {
  MemoryPeer& one = connect();
  MemoryPeer& two = connect();
  begin(one, 0, 0);
  exec(two, 0);
  server(0).deliver(confirm_message(1, 41, 1000));
  finish(one, 0);
  server(0).deliver(close_message(1));
  two.deliver(close_message(0));
  leave(one);
  clock.advance(minutes(9));
  EXPECT_FALSE(server(0).disconnected()) << "a client is left: idle_timeout holds";
  leave(two);
  clock.advance(minutes(1) - Duration(1));
  EXPECT_FALSE(server(0).disconnected());
  clock.advance(Duration(1));
  EXPECT_TRUE(server(0).disconnected());
}

TEST_F(LingerTest, AClientOfAnotherTargetIsNoClientOfThisOne) {
  MemoryPeer& client = connect("alice", "web1");
  connect("alice", "web2");
  begin(client, 0);
  finish(client, 0);
  leave(client);
  clock.advance(minutes(1));
  EXPECT_TRUE(server(0).disconnected());
}

TEST_F(LingerTest, AClientThatComesBackFindsTheTrunk) {
  MemoryPeer& client = connect();
  begin(client, 0);
  finish(client, 0);
  leave(client);
  clock.advance(seconds(59));
  MemoryPeer& again = connect();
  begin(again, 0);
  finish(again, 0);
  clock.advance(minutes(5));
  EXPECT_FALSE(server(0).disconnected());
  EXPECT_EQ(connector.dials.size(), 1u);
}

struct WarmTest : KeepingTest {
  WarmTest() : KeepingTest(1) {}
};

TEST_F(WarmTest, ASpareTrunkIsMadeReadyOnceTheTargetIsUsed) {
  MemoryPeer& client = connect();
  clock.advance(minutes(1));
  EXPECT_EQ(connector.dials.size(), 0u);
  begin(client, 0);
  clock.turn();
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.succeed(1);
  begin(client, 0, 1);
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 2u) << "the used trunk has had room";
  begin(client, 1, 2);
  EXPECT_EQ(trunks()[1].channels, 1u) << "without a login";
  clock.turn();
  EXPECT_EQ(connector.dials.size(), 3u) << "and the next spare one comes";
}

TEST_F(WarmTest, ASpareTrunkOutlivesTheIdleTimeAndGoesAfterTheLastClient) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  connector.succeed(1);
  finish(client, 0);
  clock.advance(hours(1));
  EXPECT_EQ(trunk_count() - (server(0).disconnected() ? 1 : 0) - (server(1).disconnected() ? 1 : 0), 1u);
  leave(client);
  clock.advance(minutes(10));
  EXPECT_TRUE(server(0).disconnected());
  EXPECT_TRUE(server(1).disconnected());
}

TEST_F(WarmTest, ALostSpareTrunkIsReplacedEverMoreSlowly) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  std::size_t next = 1;
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    ASSERT_EQ(connector.dials.size(), next + 1);
    connector.fail(next, "gone", Errc::timeout);
    clock.advance(seconds(pause) - Duration(1));
    ASSERT_EQ(connector.dials.size(), next + 1);
    clock.advance(Duration(1));
    ++next;
  }
  EXPECT_EQ(connector.dials.size(), next + 1);
}

TEST_F(WarmTest, AServerThatDropsSpareTrunksIsNotHammered) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  for (std::size_t i = 1; i < 6; ++i) {
    ASSERT_EQ(connector.dials.size(), i + 1);
    connector.succeed(i).close();
    clock.turn();
    ASSERT_EQ(connector.dials.size(), i + 1);
    clock.advance(minutes(1));
  }
}

TEST_F(WarmTest, NoSpareTrunkWithoutAWorkingOne) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  connector.succeed(1).close();
  server(0).close();
  clock.advance(hours(1));
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(WarmTest, NoSpareTrunkWhileLoginsArePaused) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  connector.fail(1, "target web1 refused the login", Errc::denied);
  clock.advance(seconds(1) - Duration(1));
  EXPECT_EQ(connector.dials.size(), 2u);
}

TEST_F(WarmTest, SpareTrunksCountInTheLimit) {
  HubSettings settings;
  settings.trunks_per_user = 1;
  hub.configure(settings);
  begin(connect(), 0);
  clock.advance(minutes(1));
  EXPECT_EQ(connector.dials.size(), 1u);
}

TEST_F(WarmTest, StopLetsTheTargetCool) {
  MemoryPeer& client = connect();
  begin(client, 0);
  clock.turn();
  connector.succeed(1);
  ASSERT_TRUE(stop_trunks({"web1", ""}, "why"));
  clock.advance(hours(1));
  EXPECT_EQ(connector.dials.size(), 2u);
  EXPECT_TRUE(server(1).disconnected());
}

TEST_F(WarmTest, ADrainingBastionMakesNoSpareTrunks) {
  MemoryPeer& client = connect();
  begin(client, 0);
  hub.drain([] {});
  clock.advance(seconds(10));
  EXPECT_EQ(connector.dials.size(), 1u);
}

}  // namespace
}  // namespace sallyport::mux
