#include "route/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/option_table.hpp"
#include "unit/changed.hpp"
#include "unit/route/config_text.hpp"

namespace sallyport::route {
namespace {

using ::testing::HasSubstr;

constexpr const char* kConfig = R"(
[target.web1]
address = "10.0.0.5"
credentials = ["key:keys/{user}"]
known_hosts = "kh"
[target.sh]
kind = "local"
[[route]]
name = "ops"
users = ["@ops"]
targets = ["web*"]
to = "web1"
[[route]]
name = "web"
users = ["alice"]
targets = ["web*"]
sources = ["10.0.0.0/8"]
to = "web1"
  [[route.channel]]
  request = "subsystem"
  to = "sh"
  [[route.channel]]
  request = "exec"
  command = "b,*"
  deny = "not that"
[groups]
ops = ["bob"]
)";

struct ExplainTest : ::testing::Test {
  Explanation explained(const char* text) {
    const auto query = parse_explain_query(text, *config);
    if (query) return explain(config, *query);
    ADD_FAILURE() << query.error().detail;
    return {};
  }
  std::string refused(const char* text) {
    const auto query = parse_explain_query(text, *config);
    return query ? "(accepted)" : query.error().detail;
  }
  std::shared_ptr<const Config> config = config_of(kConfig);
};

TEST_F(ExplainTest, TellsWhyEachRouteAndRuleDidNotMatchAndWhatWon) {
  EXPECT_EQ(to_text(explained("user=alice,target=web1,source=10.1.2.3,command=uname -a")),
            "login of user alice, target web1, from 10.1.2.3\n"
            "  route \"ops\": no: user alice is not among @ops\n"
            "  route \"web\": matches\n"
            "channel with request exec \"uname -a\"\n"
            "  rule 1 (request subsystem): no: request exec is not subsystem\n"
            "  rule 2 (request exec, command \"b,*\"): no: the command is not like \"b,*\"\n"
            "  no rule matches: the route's target\n"
            "decided by route \"web\"\n"
            "result: target web1 (ssh)\n"
            "  address = 10.0.0.5:22\n"
            "  user = alice\n"
            "  credential = key:/c/keys/alice\n"
            "  known_hosts = /c/kh\n"
            "  idle_timeout = 10m\n"
            "  max_age = 12h\n"
            "  channels_per_trunk = 10\n"
            "  keepalive_interval = 15s\n"
            "  keepalive_count = 3\n"
            "  connect_timeout = 10s\n");
}

TEST(Explain, ShowsEveryOptionThatIsChanged) {
  config::for_each_row(config::kOptions, [](const auto& row) {
    Explanation explanation;
    explanation.target.emplace();
    EXPECT_TRUE(to_json(explanation)["target"]["options"].contains(row.name)) << row.name;
    const std::string before = to_text(explanation);
    change(explanation.target->options.*row.value);
    EXPECT_NE(to_text(explanation), before) << row.name;
    const std::string shown_as = row.name == "channel_timeouts" ? "channel_timeout" : std::string(row.name);
    EXPECT_THAT(to_text(explanation), HasSubstr("\n  " + shown_as + " = ")) << "each of them on a line of its own";
  });
}

TEST(Explain, NamesEveryCredentialByItsKindAndEveryOptionThatIsSet) {
  const auto config = config_of(R"(
[defaults]
linger = "3m"
warm = 2
forward_agent = true
forward_x11 = true
remote_forwarding = ["localhost:8080"]
host_key_policy = "accept-new"
update_host_keys = true
max_connections = 7
reuse_after_mfa = "8h"
[target.web3]
address = "10.0.0.7"
credentials = ["ca:keys/ca", "key:keys/{user}", "agent:/run/a", "forwarded-agent", "password-file:pw", "password", "keyboard-interactive"]
known_hosts = "kh"
  [target.web3.algorithms]
  kex = ["curve25519-sha256", "ecdh-sha2-nistp256"]
  require_strict_kex = true
[[route]]
to = "web3"
)");
  const auto query = parse_explain_query("user=alice", *config);
  ASSERT_TRUE(query);
  const Explanation explanation = explain(config, *query);
  const std::string text = to_text(explanation);
  for (const char* line :
       {"credential = ca:/c/keys/ca", "credential = key:/c/keys/alice", "credential = agent:/run/a",
        "credential = forwarded-agent", "credential = password-file:/c/pw", "credential = password",
        "credential = keyboard-interactive", "linger = 3m", "warm = 2", "forward_agent = true", "forward_x11 = true",
        "remote_forwarding = localhost:8080", "host_key_policy = accept-new", "update_host_keys = true", "max_connections = 7",
        "reuse_after_mfa = 8h", "require_strict_kex = true", "kex = curve25519-sha256, ecdh-sha2-nistp256"})
    EXPECT_THAT(text, HasSubstr(std::string("  ") + line + "\n"));
  const auto target = to_json(explanation)["target"];
  EXPECT_EQ(target["credentials"][0], "ca:/c/keys/ca");
  EXPECT_EQ(target["credentials"][6], "keyboard-interactive");
  EXPECT_EQ(target["require_strict_kex"], true);
  const auto options = target["options"];
  EXPECT_EQ(options["linger"], "3m");
  EXPECT_EQ(options["warm"], 2);
  EXPECT_EQ(options["forward_agent"], true);
  EXPECT_EQ(options["remote_forwarding"][0], "localhost:8080");
  EXPECT_EQ(options["host_key_policy"], "accept-new");
  EXPECT_EQ(options["max_connections"], 7);
  EXPECT_EQ(options["reuse_after_mfa"], "8h");
}

TEST_F(ExplainTest, CommandsMayHoldCommasAndCanBeDenied) {
  const Explanation explanation = explained("user=alice+web1,source=10.1.2.3,command=b,c=d");
  EXPECT_EQ(explanation.query.command, "b,c=d");
  EXPECT_EQ(explanation.denied, "not that");
  EXPECT_THAT(to_text(explanation), HasSubstr("result: denied, the client is told \"not that\"\n"));
}

TEST_F(ExplainTest, TellsThatNoRouteMatches) {
  const Explanation explanation = explained("user=alice,target=web1,source=192.0.2.1");
  EXPECT_EQ(explanation.route, std::nullopt);
  EXPECT_THAT(to_text(explanation), HasSubstr("no: source 192.0.2.1 is not in 10.0.0.0/8\n  no route matches\n"));
  EXPECT_EQ(explanation.denied, "no route for target 'web1'");
}

TEST_F(ExplainTest, GivesTheSameAsJson) {
  const auto json = to_json(explained("user=alice,target=web1,source=10.1.2.3,subsystem=sftp"));
  EXPECT_EQ(json["route"], "web");
  EXPECT_EQ(json["routes"][0]["matches"], false);
  EXPECT_EQ(json["request"], "subsystem");
  EXPECT_EQ(json["rule"], "rule 1 (request subsystem)");
  EXPECT_EQ(json["target"]["name"], "sh");
  EXPECT_EQ(json["denied"], nullptr);
}

TEST_F(ExplainTest, RefusesQueriesThatItDoesNotUnderstand) {
  EXPECT_EQ(refused("usr=alice"),
            "unknown key \"usr\", expected one of user, target, source, mfa, time, request, subsystem, destination, command; did "
            "you mean \"user\"?");
  EXPECT_EQ(refused("alice"), "found \"alice\", expected key=value");
  EXPECT_EQ(refused("target=web1"), "expected user=NAME");
  EXPECT_EQ(refused("user=alice,source=10.0.0.0/8"), "source: found \"10.0.0.0/8\", expected an IP address");
  EXPECT_THAT(refused("user=a/b"), HasSubstr("characters that are not allowed"));
  EXPECT_THAT(refused("user=alice.dpkg-old"), HasSubstr("a file left behind"));
}

TEST(Explain, SaysWhetherADestinationIsAllowed) {
  const auto config = config_of(std::string(kConfig) + "[defaults]\nlocal_forwarding = ['db:5432']\n");
  const auto ask = [&config](const std::string& rest) {
    const auto query = parse_explain_query("user=bob,target=web1," + rest, *config);
    return query ? explain(config, *query) : Explanation{};
  };
  const Explanation allowed = ask("destination=db:5432");
  EXPECT_EQ(allowed.request, Act::direct_tcpip);
  ASSERT_TRUE(allowed.target);
  EXPECT_THAT(to_text(allowed), HasSubstr("channel with request direct-tcpip \"db:5432\"\n"));
  EXPECT_EQ(to_json(allowed)["destination"], "db:5432");
  const Explanation denied = ask("destination=/run/x.sock");
  EXPECT_EQ(denied.request, Act::direct_streamlocal);
  EXPECT_FALSE(denied.target);
  EXPECT_THAT(to_text(denied), HasSubstr("denied, the client is told \"forwarding to this destination is not allowed\"\n"
                                         "  because: not in local_forwarding (db:5432)\n"));
  const auto nothing = parse_explain_query("user=bob,destination=db", *config);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().detail, "destination: found \"db\", expected HOST:PORT or /PATH");
}

}  // namespace
}  // namespace sallyport::route
