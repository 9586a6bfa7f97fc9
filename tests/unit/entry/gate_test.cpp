// Who may knock, how often, and what it costs to come for nothing.
#include "entry/gate.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "entrance.hpp"
#include "net/loop/uv_clock.hpp"

namespace sallyport::entry {
namespace {

class GateTest : public ::testing::Test, public Entrance {
 protected:
  GateTest() { gate.set_context(context()); }
  ~GateTest() override { loop.free_all_retired(); }

  /// A configuration for the daemon, with that change.
  void configure(const std::function<void(Config&)>& change) {
    Config changed = *config;
    change(changed);
    reload(std::move(changed));
    gate.set_context(context());
  }
  /// A client from there; what it is refused with, or nothing. What it is told in front of the identification is in `told`.
  std::string enter(const std::string& source = "192.0.2.1") {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    net::Fd ours(pair[0]);
    const Result<> entered = gate.enter({ConnectionId{99}, source, 50000, "shell"}, net::Fd(pair[1]));
    char text[64] = {};
    const ssize_t length = ::recv(ours.get(), text, sizeof text - 1, MSG_DONTWAIT);
    told.assign(text, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return entered ? "" : entered.error().detail;
  }
  FakeUserauth::Client& client() { return userauth.clients.back(); }
  /// The last one logs in.
  FakeUserauth::Client& log_in() {
    FakeUserauth::Client& last = client();
    last.request(signed_by("good"));
    identities.checks.back().grant();
    identities.checks.back().open();
    last.log_in();
    return last;
  }
  void leave(FakeUserauth::Client& gone) {
    gone.peer.close();
    clock.advance(seconds(60));
  }

  Gate gate{loop, clock, identities, admitter, of_logins, log};
  std::string told;
};

TEST_F(GateTest, WhoLogsInIsAtTheHub) {
  EXPECT_EQ(enter(), "");
  FakeUserauth::Client& first = log_in();
  ASSERT_NE(hub.client(ConnectionId{1}), nullptr);
  EXPECT_EQ(hub.client(ConnectionId{1})->outer, ConnectionId{99});
  EXPECT_EQ(gate.accepted(), 1U);
  EXPECT_EQ(gate.failed_logins(), 0U);
  EXPECT_FALSE(first.closed);  // its own event may be on the stack
  free_retired();
  EXPECT_TRUE(first.closed);
}

TEST_F(GateTest, SoManyMayBeOnTheirWayIn) {
  configure([](Config& c) { c.limits.max_startups = {2, 100, 2}; });
  EXPECT_EQ(enter(), "");
  EXPECT_EQ(enter("192.0.2.2"), "");
  EXPECT_EQ(enter("192.0.2.3"), "max_startups");
  EXPECT_EQ(told, "Exceeded MaxStartups\r\n");
  EXPECT_EQ(line_with("dropped"), "conn=c3 dropped source=192.0.2.3:50000 reason=\"max_startups\"");
  log_in();
  EXPECT_EQ(enter("192.0.2.3"), "");
}

TEST_F(GateTest, BelowThatSomeAreDroppedByChance) {
  configure([](Config& c) { c.limits.max_startups = {1, 100, 10}; });
  EXPECT_EQ(enter(), "");
  EXPECT_EQ(enter("192.0.2.2"), "max_startups");
  configure([](Config& c) { c.limits.max_startups = {1, 0, 1000000}; });
  EXPECT_EQ(enter("192.0.2.2"), "");
}

TEST_F(GateTest, SoManyOfOneSourceMayBeOnTheirWayIn) {
  configure([](Config& c) { c.limits.max_startups_per_source = 1; });
  EXPECT_EQ(enter(), "");
  EXPECT_EQ(enter(), "max_startups_per_source");
  EXPECT_EQ(enter("192.0.2.2"), "");
  userauth.clients.front().fail(Errc::closed, "closed by peer");
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, SoManyOfOneSourceMayBeThere) {
  configure([](Config& c) { c.limits.max_connections_per_source = 1; });
  EXPECT_EQ(enter(), "");
  FakeUserauth::Client& first = log_in();
  free_retired();
  EXPECT_EQ(enter(), "max_connections_per_source");
  EXPECT_EQ(enter("192.0.2.2"), "");
  leave(first);
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, ABlockOfAddressesIsOneSource) {
  configure([](Config& c) {
    c.limits.max_startups_per_source = 1;
    c.limits.source_prefix_ipv4 = 24;
  });
  EXPECT_EQ(enter("192.0.2.1"), "");
  EXPECT_EQ(enter("192.0.2.200"), "max_startups_per_source");
  EXPECT_EQ(enter("192.0.3.1"), "");
}

TEST_F(GateTest, NobodyComesInUnrecorded) {
  audit.is_healthy = false;
  EXPECT_EQ(enter(), "the audit trail can't be written");
  audit.is_healthy = true;
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, WhoBreaksTheProtocolIsKeptOutForAWhile) {
  EXPECT_EQ(enter(), "");
  client().fail(Errc::protocol, "no SSH");
  EXPECT_EQ(gate.failed_logins(), 1U);
  EXPECT_EQ(line_with("penalty begins"), "penalty begins source=192.0.2.1/32 seconds=90 reason=\"broken protocol\"");
  EXPECT_EQ(audit.lines.back(), "penalty source=192.0.2.1/32 reason=broken protocol");
  EXPECT_EQ(enter(), "the source has a penalty");
  EXPECT_EQ(told, "Not allowed at this time\r\n");
  EXPECT_EQ(enter("192.0.2.2"), "");
  ASSERT_EQ(gate.penalties().size(), 1U);
  EXPECT_EQ(gate.penalties().front().source, "192.0.2.1/32");
  clock.advance(seconds(90));
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, SmallOffencesAddUp) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(enter(), "") << i;
    client().request(signed_by("bad"));
    identities.checks.back().refuse_key("not in the user's keys");
    client().fail(Errc::closed, "closed by peer");
  }
  EXPECT_EQ(enter(), "the source has a penalty");
  EXPECT_EQ(gate.lift_penalties("192.0.2.1/32"), 1U);
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, TheGraceTimeCosts) {
  configure([](Config& c) { c.penalties.min = seconds(10); });
  EXPECT_EQ(enter(), "");
  client().fail(Errc::timeout, "no login within the grace time");
  EXPECT_EQ(enter(), "the source has a penalty");
}

TEST_F(GateTest, WhoIsTurnedAwayPaysNothing) {
  configure([](Config& c) {
    c.limits.max_connections_per_user = 0;
    c.penalties.min = seconds(1);
  });
  EXPECT_EQ(enter(), "");
  client().request(signed_by("good"));
  identities.checks.back().grant();
  client().fail(Errc::closed, "disconnected");
  EXPECT_EQ(enter(), "");
}

TEST_F(GateTest, ClosesWithAWord) {
  EXPECT_EQ(enter(), "");
  client().take();
  gate.close("the bastion is draining");
  EXPECT_THAT(client().take(), ElementsAre("disconnect 11 the bastion is draining"));
  client().fail(Errc::protocol, "disconnected");
  EXPECT_THAT(gate.penalties(), IsEmpty());  // it was ended by us
  EXPECT_EQ(enter(), "no more clients are let in");
}

TEST_F(GateTest, AReloadIsForThoseWhoComeAfterIt) {
  const auto before = config;
  EXPECT_EQ(enter(), "");
  FakeUserauth::Client& first = client();
  configure([](Config& c) {
    c.auth.methods = {"password"};
    c.routes.front().name = "renamed";
  });
  EXPECT_EQ(enter(), "");
  EXPECT_THAT(first.take(), ElementsAre("can continue: publickey"));
  EXPECT_THAT(client().take(), ElementsAre("can continue: password"));
  first.request(signed_by("good"));
  FakeIdentities::Check& check = identities.checks.front();
  EXPECT_EQ(check.claimant.config, before);
  check.grant();
  check.open();
  first.log_in();
  EXPECT_EQ(hub.client(ConnectionId{1})->decision->route().name, "everybody");
}

TEST_F(GateTest, LimitsAreThoseInForce) {
  EXPECT_EQ(enter(), "");
  configure([](Config& c) { c.limits.max_connections_per_user = 0; });
  client().request(signed_by("good"));
  identities.checks.back().grant();
  EXPECT_EQ(client().take().back(), "disconnect 12 too many connections of this user: max_connections_per_user");
}

/// By real sockets.
class GateDoorTest : public GateTest {
 protected:
  void TearDown() override {
    gate.close("");
    loop.free_all_retired();
    loop.run_dry();
  }
  void listen(std::vector<std::string> proxies = {}) {
    const auto listening = gate.listen({{"127.0.0.1", 0, std::move(proxies)}});
    ASSERT_TRUE(listening) << listening.error().detail;
  }
  net::Fd knock(std::string_view text = {}) {
    const std::string address = gate.addresses().at(0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
    net::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return fd;
  }
  [[nodiscard]] bool turn_until(const std::function<bool()>& holds) {
    net::UvClock time(loop);
    bool late = false;
    const auto deadline = time.after(std::chrono::seconds(100), [&late] { late = true; });
    while (!holds() && !late) loop.run_once();
    return holds();
  }
};

TEST_F(GateDoorTest, AClientHasBothItsAddresses) {
  listen();
  const net::Fd fd = knock();
  ASSERT_TRUE(turn_until([this] { return !userauth.clients.empty(); }));
  log_in();
  EXPECT_EQ(hub.client(ConnectionId{1})->source.address, "127.0.0.1");
  const mux::TcpAddress& local = hub.client(ConnectionId{1})->local;
  EXPECT_EQ(gate.addresses(), Lines{local.address + ":" + std::to_string(local.port)});
}

TEST_F(GateDoorTest, ABalancerSpeaksForItsClients) {
  listen({"127.0.0.0/8"});
  const net::Fd fd = knock("PROXY TCP4 192.0.2.7 192.0.2.9 4000 22\r\n");
  ASSERT_TRUE(turn_until([this] { return !userauth.clients.empty(); }));
  EXPECT_THAT(line_with("through proxy"), HasSubstr("conn=c1 for source=192.0.2.7:4000 through proxy=127.0.0.1:"));
  log_in();
  EXPECT_EQ(hub.client(ConnectionId{1})->source.address, "192.0.2.7");
  EXPECT_EQ(hub.client(ConnectionId{1})->local.address, "192.0.2.9");
}

TEST_F(GateDoorTest, WithoutItsHeaderABalancerIsNotLetIn) {
  listen({"127.0.0.0/8"});
  const net::Fd fd = knock("SSH-2.0-client\r\n");
  ASSERT_TRUE(turn_until([this] { return gate.failed_logins() == 1; }));
  EXPECT_THAT(line_with("closed"), HasSubstr("conn=c1 closed source=127.0.0.1:"));
  EXPECT_THAT(userauth.clients, IsEmpty());
}

TEST_F(GateDoorTest, ABalancerMaySeeWhetherWeAreThere) {
  listen({"127.0.0.0/8"});
  const net::Fd fd = knock("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(turn_until([this] { return log.has("the balancer speaks for itself"); }));
  EXPECT_EQ(gate.failed_logins(), 0U);
}

TEST_F(GateDoorTest, WhoseHeaderIsAwaitedIsOnItsWayIn) {
  configure([](Config& c) { c.limits.max_startups = {1, 100, 1}; });
  listen({"127.0.0.0/8"});
  const net::Fd first = knock();
  ASSERT_TRUE(turn_until([this] { return gate.accepted() == 1; }));
  EXPECT_EQ(enter(), "max_startups");
  clock.advance(seconds(5));
  EXPECT_EQ(gate.failed_logins(), 1U);
  EXPECT_EQ(enter(), "");
}

TEST_F(GateDoorTest, SocketsThatStayAreTheSame) {
  listen();
  const Lines before = gate.addresses();
  listen({"127.0.0.0/8"});
  EXPECT_EQ(gate.addresses(), before);
  const net::Fd fd = knock("PROXY TCP4 192.0.2.7 192.0.2.9 4000 22\r\n");
  ASSERT_TRUE(turn_until([this] { return !userauth.clients.empty(); }));
}

TEST_F(GateDoorTest, AllOrNothing) {
  listen();
  const Lines before = gate.addresses();
  EXPECT_FALSE(gate.listen({{"127.0.0.1", 0, {}}, {"192.0.2.1", 1, {}}}));  // which is nobody's address here
  EXPECT_EQ(gate.addresses(), before);
}

}  // namespace
}  // namespace sallyport::entry
