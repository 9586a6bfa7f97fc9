#include "route/forwarding.hpp"

#include <string>

#include <gtest/gtest.h>

#include "route/policy.hpp"
#include "unit/route/config_text.hpp"

namespace sallyport::route {
namespace {

TEST(Destination, IsReadAsItIsWritten) {
  for (const Destination& to : {Destination::of_port("db", 5432), Destination::of_port("::1", 80),
                                Destination::of_port("db", 70000), Destination::of_socket("/run/a:b")})
    EXPECT_EQ(parse_destination(to.text()), to) << to.text();
  EXPECT_EQ(Destination::of_port("::1", 80).text(), "[::1]:80");
  for (const char* text : {"", "db", "db:", "db:x", "db:99999999999"}) EXPECT_FALSE(parse_destination(text)) << text;
}

TEST(Destination, WhatIsUnsoundIsSaid) {
  using D = Destination;
  for (const D& to : {D::of_port("db", 22), D::of_port("10.0.0.1", 65535), D::of_port("fe80::1%eth0", 1), D::of_port("a_b.c", 1),
                      D::of_socket("/run/x.sock"), D::of_socket("/run/a b"), D::of_socket("/" + std::string(106, 'x')),
                      D::of_socket("/run/..x")})
    EXPECT_FALSE(why_unsound(to)) << to.text();
  for (const D& to : {D::of_port("", 22), D::of_port("db", 0), D::of_port("db", 65536), D::of_port("db", 4294967295U),
                      D::of_port("d\nb", 22), D::of_port(std::string_view("d\0b", 3), 22), D::of_port("d b", 22),
                      D::of_port("-oProxyCommand=x", 22), D::of_port("a..b", 22), D::of_port(std::string(256, 'a'), 22),
                      D::of_port("/run/x", 22), D::of_socket(""), D::of_socket("run/x"), D::of_socket("/run/\x01"),
                      D::of_socket(std::string_view("/run/x\0y", 8)), D::of_socket("/" + std::string(107, 'x')),
                      D::of_socket("/run/../etc/x"), D::of_socket("/run/.."), D::of_socket("/" + std::string(5000, 'x'))})
    EXPECT_TRUE(why_unsound(to)) << to.text();
}

struct DecideForwardTest : ::testing::Test {
  Verdict decide(const std::string& forwarding, const std::string& target, const Destination& to) {
    const auto config = config_of("[defaults]\nlocal_forwarding = " + forwarding +
                                  "\n[target.web1]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n"
                                  "[target.open]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nlocal_forwarding=['*']\n"
                                  "[target.shell]\nkind='local'\n"
                                  "[[route]]\ntargets=['*']\nto='{target}'\n"
                                  "[[route.channel]]\nrequest='direct-streamlocal'\ndeny='no sockets'\n");
    const auto decision = Router(config).route({"alice", target, "192.0.2.1"});
    EXPECT_TRUE(decision);
    const LoginGrant grant;
    return route::decide({.decision = &*decision, .grant = grant},
                         {.act = to.is_socket ? Act::direct_streamlocal : Act::direct_tcpip, .destination = &to});
  }
};

TEST_F(DecideForwardTest, TheMostSpecificListCounts) {
  const auto db = Destination::of_port("db", 5432);
  EXPECT_EQ(decide("[]", "web1", db).denial()->detail, "local_forwarding is empty");
  EXPECT_EQ(decide("['web:*']", "web1", db).denial()->detail, "not in local_forwarding (web:*)");
  EXPECT_EQ(decide("['db:*']", "web1", db).permit()->target().name, "web1");
  EXPECT_EQ(decide("[]", "open", db).permit()->target().name, "open");
}

TEST_F(DecideForwardTest, RulesComeFirst) {
  const auto decision = decide("['*']", "open", Destination::of_socket("/run/x"));
  ASSERT_TRUE(decision.denial());
  EXPECT_EQ(decision.denial()->told, "no sockets");
  EXPECT_EQ(decision.channel_rule, 0u);
}

TEST_F(DecideForwardTest, TheBastionConnectsOnlyWhenItIsToldTo) {
  const auto db = Destination::of_port("db", 1);
  EXPECT_EQ(decide("['*']", "shell", db).denial()->detail, "target shell is the bastion itself, and jump is not \"direct\"");
  const auto direct = decide("['*']\njump = 'direct'", "shell", db);
  ASSERT_TRUE(direct.permit());
  EXPECT_EQ(direct.permit()->target().options.jump, Jump::direct);
}

TEST(DecideForward, ASocketOfTheBastionNeedsAnAccountThatMayBeUsed) {
  const auto config = config_of(
      "[defaults]\nlocal_forwarding = ['*']\njump = 'direct'\n"
      "[target.fine]\nkind='local'\nuser='app'\n"
      "[target.wrong]\nkind='local'\nuser='app'\npermit_accounts=['web*']\n"
      "[target.root]\nkind='local'\nuser='root'\npermit_accounts=['*']\n"
      "[[route]]\ntargets=['*']\nto='{target}'\n");
  const LoginGrant grant;
  for (const auto& [target, socket_allowed] : {std::pair("fine", true), std::pair("wrong", false), std::pair("root", false)}) {
    const auto decision = Router(config).route({"alice", target, "192.0.2.1"});
    ASSERT_TRUE(decision);
    const auto socket = Destination::of_socket("/run/x.sock");
    const auto port = Destination::of_port("db", 1);
    const Verdict verdict =
        route::decide({.decision = &*decision, .grant = grant}, {.act = Act::direct_streamlocal, .destination = &socket});
    EXPECT_EQ(verdict.permit() != nullptr, socket_allowed) << target;
    if (!socket_allowed) {
      EXPECT_EQ(verdict.rule, std::string("permit_accounts of target ") + target);
    }
    // A port needs no rights.
    EXPECT_TRUE(
        route::decide({.decision = &*decision, .grant = grant}, {.act = Act::direct_tcpip, .destination = &port}).permit());
  }
}

TEST_F(DecideForwardTest, ATerminatedJumpNeedsTheNameOfATarget) {
  const std::string options = "['*']\njump = 'terminate'";
  EXPECT_EQ(decide(options, "shell", Destination::of_port("web1", 22)).permit()->target().name, "shell");
  EXPECT_EQ(decide(options, "shell", Destination::of_port("::1", 22)).denial()->told, "this is not the name of a target");
}

}  // namespace
}  // namespace sallyport::route
