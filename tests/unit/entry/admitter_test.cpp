// Places, routes and the hub, for whoever has shown who it is; and what a reload takes away again.
#include "entrance.hpp"
#include "fakes/ssh_messages.hpp"

namespace sallyport::entry {
namespace {

class AdmitterTest : public ::testing::Test, public Entrance {
 protected:
  /// Users have passwords, as PAM says.
  AdmitterTest() : Entrance(with_pam(entrance_config({"password"}))) {}
  static Config with_pam(Config config) {
    config.auth.pam_service = "sallyport";
    config.server.on_reload = OnReload::recheck;
    return config;
  }
  /// A client that has logged in by that configuration.
  MemoryPeer& admit(std::uint64_t id, const std::shared_ptr<const Config>& by, const std::string& user = "alice") {
    mux::Admission client;
    client.id = ConnectionId{id};
    client.user = user;
    client.source = {"192.0.2.1", 50000};
    client.method = "password";
    MemoryPeer& peer = peers.emplace_back();
    admitter.admit(std::move(client), peer.transport(), by);
    return peer;
  }
  /// The client of that number goes.
  void leave(MemoryPeer& peer) {
    peer.close();
    clock.advance(seconds(60));
  }
};

TEST_F(AdmitterTest, UsersHavePlacesThatComeBackOnce) {
  Config two = *config;
  two.limits.max_connections_per_user = 2;
  reload(two);
  auto first = admitter.place_of("alice");
  auto second = admitter.place_of("alice");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(admitter.place_of("alice").error().code, Errc::limit);
  EXPECT_TRUE(admitter.place_of("bob"));
  auto copy = *first;
  first->reset();
  EXPECT_FALSE(admitter.place_of("alice"));
  copy.reset();
  EXPECT_TRUE(admitter.place_of("alice"));
}

TEST_F(AdmitterTest, RoutesHavePlacesToo) {
  Config one = *config;
  one.routes.front().options.max_connections = 1;
  reload(one);
  MemoryPeer& first = admit(1, config);
  admit(2, config, "bob");
  EXPECT_TRUE(hub.client(ConnectionId{1})->decision);
  EXPECT_FALSE(hub.client(ConnectionId{2})->decision);
  EXPECT_EQ(hub.client(ConnectionId{2})->refusal, "too many connections use this route: max_connections");
  EXPECT_EQ(line_with("refused"), "conn=c2 refused route=everybody reason=\"max_connections\"");
  leave(first);
  admit(3, config);
  EXPECT_TRUE(hub.client(ConnectionId{3})->decision);
}

TEST_F(AdmitterTest, WhoHasNoRouteIsTold) {
  admit(1, config, "mallory");
  ASSERT_NE(hub.client(ConnectionId{1}), nullptr);
  EXPECT_FALSE(hub.client(ConnectionId{1})->decision);
  EXPECT_FALSE(hub.client(ConnectionId{1})->refusal.empty());
}

TEST_F(AdmitterTest, ARouteKeepsItsClientsAliveByItsOwnSettings) {
  Config own = *config;
  own.routes.front().options.keepalive_interval = seconds(10);
  own.defaults.keepalive_interval = Duration::zero();
  reload(own);
  MemoryPeer& routed = admit(1, config);
  MemoryPeer& unrouted = admit(2, config, "mallory");
  routed.take();
  unrouted.take();
  clock.advance(seconds(11));
  EXPECT_THAT(describe(routed.take()), Contains(HasSubstr("keepalive@openssh.com")));
  EXPECT_THAT(unrouted.take(), IsEmpty());
}

TEST_F(AdmitterTest, TheRouteIsThatOfTheConfigurationThatTheClientHasLoggedInBy) {
  const auto before = config;
  Config after = *config;
  after.routes.front().name = "renamed";
  after.server.on_reload = OnReload::keep;
  reload(after);
  admit(1, before);
  EXPECT_EQ(hub.client(ConnectionId{1})->decision->route().name, "everybody");
  EXPECT_EQ(hub.client(ConnectionId{1})->decision->config, before);
}

TEST_F(AdmitterTest, AReloadEndsWhoWouldNotBeLetInAnyMore) {
  MemoryPeer& alice = admit(1, config);
  MemoryPeer& bob = admit(2, config, "bob");
  Config without = *config;
  without.routes.front().users = std::vector<std::string>{"bob"};
  reload(without);
  admitter.recheck();
  loop.run_dry();
  ASSERT_TRUE(alice.disconnected());
  EXPECT_THAT(*alice.disconnected(), HasSubstr("this login is not granted any more"));
  EXPECT_THAT(line_with("ended after a reload"), HasSubstr("conn=c1 ended after a reload user=alice"));
  EXPECT_FALSE(bob.disconnected());
}

TEST_F(AdmitterTest, WhoHasBegunBeforeTheReloadIsLookedAtBehindIt) {
  const auto before = config;
  Config without = *config;
  without.auth.methods = {"publickey"};
  reload(without);
  admitter.recheck();
  MemoryPeer& late = admit(1, before);
  loop.run_dry();
  EXPECT_TRUE(late.disconnected());
  EXPECT_THAT(line_with("ended after a reload"), HasSubstr("auth.methods has no such way any more: password"));
}

}  // namespace
}  // namespace sallyport::entry
