#include "route/listening.hpp"

#include <string>

#include <gtest/gtest.h>

#include "config_text.hpp"
#include "route/policy.hpp"

namespace sallyport::route {
namespace {

using D = Destination;
using Patterns = std::vector<std::string>;

TEST(Listening, SoundAddresses) {
  for (const D& at : {D::of_port("localhost", 8080), D::of_port("", 0), D::of_port("*", 8080), D::of_port("::", 1),
                      D::of_port("192.0.2.1", 0), D::of_socket("/tmp/x.sock")})
    EXPECT_FALSE(why_unlistenable(at)) << at.text();
  for (const D& at : {D::of_port("localhost", 65536), D::of_port("a\nb", 0), D::of_port("a b", 1),
                      D::of_port(std::string(256, 'a'), 0), D::of_port("", 70000), D::of_socket(""), D::of_socket("x.sock"),
                      D::of_socket("/tmp/../etc/x"), D::of_socket("/" + std::string(5000, 'x'))})
    EXPECT_TRUE(why_unlistenable(at)) << at.text();
}

TEST(Listening, LoopbackIsLoopbackAndEverywhereIsEverywhere) {
  for (const char* pattern : {"127.0.0.1:8080", "localhost:8080", "[::1]:8080"})
    for (const char* address : {"localhost", "127.0.0.1", "::1"}) {
      EXPECT_TRUE(may_listen({pattern}, D::of_port(address, 8080))) << pattern << ' ' << address;
      EXPECT_FALSE(may_listen({pattern}, D::of_port(address, 8081))) << pattern << ' ' << address;
    }
  for (const char* address : {"", "*", "0.0.0.0", "::"}) {
    EXPECT_FALSE(may_listen({"localhost:*", "127.0.0.1:*"}, D::of_port(address, 8080))) << address;
    EXPECT_TRUE(may_listen({"0.0.0.0:8080"}, D::of_port(address, 8080))) << address;
    EXPECT_TRUE(may_listen({"*:8080"}, D::of_port(address, 8080))) << address;
  }
  EXPECT_FALSE(may_listen({"0.0.0.0:*"}, D::of_port("localhost", 8080)));
}

TEST(Listening, APortThatTheTargetChoosesNeedsEveryPort) {
  EXPECT_TRUE(may_listen({"localhost:*"}, D::of_port("localhost", 0)));
  EXPECT_TRUE(may_listen({"*"}, D::of_port("localhost", 0)));
  EXPECT_FALSE(may_listen({"localhost:1-65535"}, D::of_port("localhost", 0)));
}

TEST(Listening, Sockets) {
  EXPECT_TRUE(may_listen({"/tmp/*.sock"}, D::of_socket("/tmp/a.sock")));
  EXPECT_FALSE(may_listen({"/tmp/*.sock"}, D::of_socket("/run/a.sock")));
  EXPECT_FALSE(may_listen({"*:*"}, D::of_socket("/tmp/a.sock")));
  EXPECT_FALSE(may_listen({"/*"}, D::of_port("localhost", 80)));
  EXPECT_FALSE(may_listen({}, D::of_socket("/tmp/a.sock")));
}

struct DecideListeningTest : ::testing::Test {
  Verdict decide(const std::string& forwarding, const std::string& target, const D& at) {
    const auto config = config_of("[defaults]\nremote_forwarding = " + forwarding +
                                  "\n[target.web1]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n"
                                  "[target.shell]\nkind='local'\n"
                                  "[[route]]\ntargets=['*']\nto='{target}'\n"
                                  "[[route.channel]]\nrequest='streamlocal-forward'\ndeny='no sockets'\n");
    const auto decision = Router(config).route({"alice", target, "192.0.2.1"});
    EXPECT_TRUE(decision);
    const LoginGrant grant;
    return route::decide({.decision = &*decision, .grant = grant},
                         {.act = at.is_socket ? Act::streamlocal_forward : Act::tcpip_forward, .destination = &at});
  }
};

TEST_F(DecideListeningTest, DecidesByRuleAndList) {
  const auto port = D::of_port("localhost", 8080);
  EXPECT_EQ(decide("['*']", "web1", port).permit()->target().name, "web1");
  EXPECT_EQ(decide("[]", "web1", port).denial()->detail, "remote_forwarding is empty");
  EXPECT_EQ(decide("['localhost:80']", "web1", port).denial()->detail, "not in remote_forwarding (localhost:80)");
  EXPECT_EQ(decide("['*']", "web1", D::of_socket("/tmp/x")).denial()->detail, "no sockets");
  EXPECT_EQ(decide("['*']", "shell", port).denial()->detail, "target shell is the bastion itself");
  EXPECT_EQ(decide("['*']", "web1", D::of_port("localhost", 70000)).denial()->detail, "a port above 65535");
}

}  // namespace
}  // namespace sallyport::route
