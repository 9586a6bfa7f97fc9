#include "mux/flow/idle_watch.hpp"

#include "world.hpp"

namespace sallyport::mux {
namespace {

TEST(ChannelTimeoutTest, TakesTheMostSpecificKind) {
  Options options;
  EXPECT_EQ(channel_timeout(options, "session:shell"), Duration::zero());
  options.channel_timeouts = {{"session:shell", seconds(1)}, {"session", seconds(2)}, {"*", seconds(3)}, {"direct-tcpip", {}}};
  EXPECT_EQ(channel_timeout(options, "session:shell"), seconds(1));
  EXPECT_EQ(channel_timeout(options, "session:exec"), seconds(2));
  EXPECT_EQ(channel_timeout(options, channel_kind("x11")), seconds(3));
  EXPECT_EQ(channel_timeout(options, channel_kind("direct-tcpip")), Duration::zero());
}

TEST(ChannelTimeoutTest, KnowsTheKindsOfTheTypes) {
  EXPECT_EQ(channel_kind("forwarded-streamlocal@openssh.com"), "forwarded-streamlocal");
  EXPECT_EQ(channel_kind("auth-agent@openssh.com"), "agent-connection");
  EXPECT_EQ(channel_kind("direct-tcpip"), "direct-tcpip");
}

TEST(IdleWatchTest, TellsOnceAfterTheTimeout) {
  FakeClock clock;
  std::uint64_t traffic = 0;
  int told = 0;
  IdleWatch watch(
      clock, seconds(8), [&traffic] { return traffic; }, [&told] { ++told; });
  for (int i = 0; i < 10; ++i) {
    clock.advance(seconds(6));
    ++traffic;
  }
  EXPECT_EQ(told, 0);
  clock.advance(seconds(7));
  EXPECT_EQ(told, 0);
  clock.advance(seconds(4));
  EXPECT_EQ(told, 1);
  clock.advance(hours(1));
  EXPECT_EQ(told, 1);
}

Config config_with_timeout() {
  Config config = world_config();
  config.defaults.channel_timeouts = {{"session:exec", seconds(10)}};
  return config;
}

class TimeoutWorld : public WorldTest {
 protected:
  TimeoutWorld() : WorldTest(config_with_timeout()) {}
};

TEST_F(TimeoutWorld, EndsASessionOnWhichNothingHappens) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 100000));
  server.deliver(success_message(0));
  server.take();
  client.take();
  for (int i = 0; i < 5; ++i) {
    clock.advance(seconds(6));
    server.deliver(data_message(0, "tick"));
  }
  EXPECT_EQ(channels().size(), 1u);
  client.take();
  clock.advance(seconds(13));
  const Lines told = take(client);
  ASSERT_GE(told.size(), 4u);
  EXPECT_THAT(told[0], HasSubstr("nothing has happened here for too long"));
  EXPECT_EQ(told.back(), "CLOSE 7");
  EXPECT_THAT(take(server), ElementsAre("CLOSE 40"));
}

}  // namespace
}  // namespace sallyport::mux
