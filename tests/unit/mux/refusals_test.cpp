// Targets that take so many sessions on a connection, at a time or in all, however they say so.
#include "world.hpp"

namespace sallyport::mux {
namespace {

using wire::OpenFailureReason;

class RefusalsTest : public WorldTest {
 protected:
  RefusalsTest() { client = &connect(); }

  /// The client opens one session more, and asks for a program there.
  void ask() {
    client->deliver(open_message(next_, 1000));
    client->deliver(exec_message(next_++, "true"));
  }
  MemoryPeer& target(std::size_t dial) {
    return connector.dials[dial].events == nullptr ? connector.dials[dial].server : connector.succeed(dial);
  }
  /// The target's connection of that number takes the session which is `ours` here.
  void take_session(std::size_t dial, std::uint32_t ours) {
    MemoryPeer& server = target(dial);
    server.deliver(confirm_message(ours, 40 + ours, 1000));
    server.deliver(success_message(ours));
  }
  /// And that session ends there.
  void end_session(std::size_t dial, std::uint32_t ours, std::uint32_t of_client) {
    target(dial).deliver(close_message(ours));
    client->deliver(close_message(of_client));
  }
  bool has_closed() {
    const Lines lines = take(*client);
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("STDERR"); });
  }

  MemoryPeer* client = nullptr;

 private:
  std::uint32_t next_ = 0;
};

TEST_F(RefusalsTest, AnyReasonIsALimitBesideAnotherSession) {
  for (const auto reason : {OpenFailureReason::administratively_prohibited, OpenFailureReason::connect_failed,
                            OpenFailureReason::unknown_channel_type, OpenFailureReason::resource_shortage}) {
    World world;
    MemoryPeer& peer = world.connect();
    for (std::uint32_t number = 0; number < 2; ++number) {
      peer.deliver(open_message(number, 1000));
      peer.deliver(exec_message(number, "true"));
    }
    MemoryPeer& first = world.connector.succeed(0);
    first.deliver(confirm_message(0, 40, 1000));
    first.deliver(refuse_message(1, reason, "one at a time"));
    ASSERT_EQ(world.connector.dials.size(), 2u);
    world.connector.succeed(1).deliver(confirm_message(0, 40, 1000));
    EXPECT_THAT(world.take(peer), ::testing::Not(::testing::Contains(HasSubstr("STDERR"))));
    // It is known now: the next one needs no refusal.
    peer.deliver(open_message(2, 1000));
    peer.deliver(exec_message(2, "true"));
    EXPECT_EQ(world.connector.dials.size(), 3u);
  }
}

TEST_F(RefusalsTest, OneInAConnectionsLifeIsLearnt) {
  ask();
  take_session(0, 0);
  end_session(0, 0, 0);
  take(*client);
  clock.turn();
  ask();
  target(0).deliver(refuse_message(1, OpenFailureReason::administratively_prohibited, "no more"));
  ASSERT_EQ(connector.dials.size(), 2u) << "tried once on a fresh one";
  take_session(1, 0);
  EXPECT_FALSE(has_closed());
  EXPECT_TRUE(target(0).disconnected()) << "it is good for nothing any more";
  ask();
  ASSERT_EQ(connector.dials.size(), 3u) << "without asking where one has been";
  take_session(2, 0);
  end_session(2, 0, 2);
  clock.turn();
  EXPECT_TRUE(target(2).disconnected());
}

TEST_F(RefusalsTest, ARefusalOnAFreshConnectionIsReal) {
  ask();
  target(0).deliver(refuse_message(0, OpenFailureReason::resource_shortage, "no"));
  EXPECT_TRUE(has_closed());
  EXPECT_EQ(connector.dials.size(), 1u);
}

TEST_F(RefusalsTest, ARefusalThatAFreshConnectionConfirmsIsNoLimit) {
  ask();
  take_session(0, 0);
  take(*client);
  ask();
  target(0).deliver(refuse_message(1, OpenFailureReason::administratively_prohibited, "not now"));
  ASSERT_EQ(connector.dials.size(), 2u);
  target(1).deliver(refuse_message(0, OpenFailureReason::administratively_prohibited, "not now"));
  EXPECT_TRUE(has_closed());
  EXPECT_EQ(connector.dials.size(), 2u) << "once";
}

TEST_F(RefusalsTest, NoAnswerBesideAnotherSessionIsALimitOfATargetThatLives) {
  ask();
  take_session(0, 0);
  take(target(0));
  ask();
  clock.advance(config->defaults.connect_timeout);
  ASSERT_EQ(connector.dials.size(), 2u);
  take_session(1, 0);
  EXPECT_FALSE(has_closed());
  EXPECT_THAT(take(target(0)), ::testing::Contains("GLOBAL keepalive@openssh.com?"));
  target(0).deliver(type_only(wire::MessageType::request_success));
  EXPECT_TRUE(journal.has("full t1 1"));
  ask();
  EXPECT_EQ(connector.dials.size(), 3u);
}

}  // namespace
}  // namespace sallyport::mux
