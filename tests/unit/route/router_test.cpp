#include "route/router.hpp"

#include <gtest/gtest.h>

#include "config/option_table.hpp"
#include "unit/changed.hpp"
#include "unit/route/config_text.hpp"

namespace sallyport::route {
namespace {

constexpr const char* kConfig = R"(
[groups]
ops = ["bob", "op-*"]
[defaults]
idle_timeout = "1m"
keepalive_count = 4
connect_timeout = "5s"
[algorithms]
kex = ["curve25519-sha256"]
require_strict_kex = true
ciphers = ["aes256-ctr"]
[target.web1]
address = "{target}.example:2200"
credentials = ["key:keys/{user}_{target}"]
known_hosts = "kh"
keepalive_count = 5
connect_timeout = "6s"
algorithms = { ciphers = ["aes128-ctr"] }
[target.db]
address = "db"
user = "postgres"
credentials = ["key:k"]
known_hosts = "kh"
[target.sh]
kind = "local"
[[route]]
name = "ops from inside"
users = ["@ops"]
targets = ["web*"]
sources = ["10.0.0.0/8", "fd00::/8"]
to = "web1"
connect_timeout = "7s"
  [[route.channel]]
  request = "exec"
  command = "bastion-*"
  to = "sh"
  [[route.channel]]
  request = ["subsystem"]
  subsystem = "netconf"
  deny = "no netconf"
  [[route.channel]]
  request = "session"
  command = "rm *"
  deny = "rm is not for you"
[[route]]
name = "by name"
users = ["carol"]
to = "{target}"
[[route]]
name = "alice's shell"
users = ["alice"]
to = "sh"
[[route]]
name = "all sessions"
users = ["dave"]
to = "db"
  [[route.channel]]
  request = "session"
  to = "sh"
)";

struct RouterTest : ::testing::Test {
  /// The route's name, or what the client is told.
  std::string routed(const char* user, std::optional<std::string> target, const char* source = "10.0.0.1") {
    const auto decision = router.route({user, std::move(target), source});
    return decision ? decision->route().name : decision.error().detail;
  }
  /// The name of the target where a channel ends, or what the client is told.
  std::string ends(const ChannelQuery& query, const char* user = "bob", std::optional<std::string> target = "web1") {
    const auto decision = router.route({user, std::move(target), "10.0.0.1"});
    if (!decision) return "(no route)";
    const ChannelDecision channel = decide_channel(*decision, query);
    return channel.target() != nullptr ? channel.target()->name : channel.denied()->told;
  }
  Router router{config_of(kConfig)};
};

TEST_F(RouterTest, MatchesUsersTargetsAndSources) {
  EXPECT_EQ(routed("bob", "web1"), "ops from inside");
  EXPECT_EQ(routed("op-7", "web9", "fd00::1"), "ops from inside");
  EXPECT_EQ(routed("bob", "web1", "::ffff:10.1.1.1"), "ops from inside");
  EXPECT_EQ(routed("bob", "web1", "192.0.2.1"), "no route for target 'web1'");
  EXPECT_EQ(routed("bob", "web1", "garbage"), "no route for target 'web1'");
  EXPECT_EQ(routed("alice", "web1"), "no route for target 'web1'");
  EXPECT_EQ(routed("bob", std::nullopt), "no route: name a target, as in user+target");
}

TEST_F(RouterTest, WithoutTargetsARouteServesItsOwnTargetOnly) {
  EXPECT_EQ(routed("alice", std::nullopt), "alice's shell");
  EXPECT_EQ(routed("alice", "sh"), "alice's shell");
  EXPECT_EQ(routed("alice", "db"), "no route for target 'db'");
}

TEST_F(RouterTest, TargetPlaceholderPicksConfiguredTargetsOnly) {
  EXPECT_EQ(routed("carol", "db"), "by name");
  EXPECT_EQ(routed("carol", "nosuch"), "no route for target 'nosuch'");
  EXPECT_EQ(routed("carol", std::nullopt), "no route: name a target, as in user+target");
  EXPECT_EQ(router.route({"carol", "db", ""})->target.user, "postgres");
}

TEST(Router, NamesTheSeparatorThatIsInForce) {
  const Router router{config_of("[server]\nlogin_separator = '%'\n[target.db]\nkind = 'local'\n[[route]]\nto = '{target}'\n")};
  const auto decision = router.route({"carol", std::nullopt, ""});
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().detail, "no route: name a target, as in user%target");
}

TEST_F(RouterTest, UnsafeNamesAreNotRepeatedAndGetNowhere) {
  EXPECT_EQ(routed("carol", "\x1b[2J"), "no route for this target");
  EXPECT_EQ(routed("op-/../x", "web1"), "no route for target 'web1'");
  EXPECT_EQ(routed("bob", "web/../../x"), "no route for this target");
}

TEST_F(RouterTest, FillsInPlaceholdersAndOptionsByPrecedence) {
  const auto decision = router.route({"bob", "web7", "10.0.0.1"});
  ASSERT_TRUE(decision);
  const ResolvedTarget& target = decision->target;
  EXPECT_EQ(target.name, "web1");
  EXPECT_EQ(target.host, "web7.example");
  EXPECT_EQ(target.port, 2200);
  EXPECT_EQ(target.user, "bob");
  EXPECT_EQ(target.credentials.at(0).value, "/c/keys/bob_web7");
  EXPECT_EQ(target.algorithms.kex->at(0), "curve25519-sha256");
  EXPECT_EQ(target.algorithms.ciphers->at(0), "aes128-ctr");
  EXPECT_TRUE(target.algorithms.require_strict_kex.value_or(false));
  EXPECT_EQ(target.options.idle_timeout, Duration(std::chrono::minutes(1)));     // [defaults]
  EXPECT_EQ(target.options.keepalive_count, 5U);                                 // target
  EXPECT_EQ(target.options.connect_timeout, Duration(std::chrono::seconds(7)));  // route
  EXPECT_EQ(target.options.channels_per_trunk, 10U);                             // built in
}

TEST_F(RouterTest, ChannelRulesDecideInOrder) {
  EXPECT_EQ(ends({"shell"}), "web1");
  EXPECT_EQ(ends({"exec", "uname"}), "web1");
  EXPECT_EQ(ends({"exec", "bastion-status -v"}), "sh");
  EXPECT_EQ(ends({"exec", "rm -rf /"}), "rm is not for you");
  EXPECT_EQ(ends({"subsystem", "", "netconf"}), "no netconf");
  EXPECT_EQ(ends({"subsystem", "", "sftp"}), "web1");
}

/// What leads to `sh` in place of `web1` must be what the rule says; what it denies may be spelt in any way.
TEST_F(RouterTest, ARuleIsNotGotRoundByTheShellsCharacters) {
  EXPECT_EQ(ends({"exec", "bastion-status -v; id"}), "web1");
  EXPECT_EQ(ends({"exec", "bastion-status\nid"}), "web1");
  EXPECT_EQ(ends({"exec", "rm x; id"}), "rm is not for you");
  EXPECT_EQ(ends({"exec", "rm x\nid"}), "rm is not for you");
}

TEST(CommandRegexRule, DecidesByTheWholeCommand) {
  Router router(
      config_of("[target.a]\nkind='local'\n[[route]]\nto='a'\n"
                "[[route.channel]]\nrequest='exec'\ncommand_regex='.*sudo.*'\ndeny='no sudo'\n"
                "[[route.channel]]\nrequest='exec'\ncommand_regex='uptime|echo [a-z ]+'\nto='a'\n"
                "[[route.channel]]\nrequest='session'\ndeny='nothing else'\n"));
  const auto decision = router.route({"u", std::nullopt, ""});
  ASSERT_TRUE(decision);
  const auto told = [&](ChannelQuery query) {
    const ChannelDecision channel = decide_channel(*decision, query);
    return channel.denied() != nullptr ? channel.denied()->told : "";
  };
  EXPECT_EQ(told({"exec", "uptime"}), "");
  EXPECT_EQ(told({"exec", "echo a b"}), "");
  EXPECT_EQ(told({"exec", "echo a; id"}), "nothing else");
  EXPECT_EQ(told({"exec", "uptime\n"}), "nothing else");
  EXPECT_EQ(told({"exec", "echo a\nsudo id"}), "no sudo");
  const std::string zero("uptime\0", 7);
  EXPECT_EQ(told({"exec", zero}), "no sudo") << "a rule that denies has what can't be judged";
  EXPECT_EQ(told({"shell"}), "nothing else");
}

TEST(TargetGlobs, ThoseOfDigitsAndDotsAreForAddresses) {
  Router router(
      config_of("[target.any]\naddress='{target}'\ncredentials=['key:k']\nknown_hosts='kh'\n"
                "[[route]]\ntargets=['10.0.*', '1?', 'web*']\nto='any'\n"));
  for (const char* name : {"10.0.0.1", "12", "web.evil.example"}) EXPECT_TRUE(router.route({"u", name, ""})) << name;
  for (const char* name : {"10.0.evil.example", "1x", "10.1.0.1"}) EXPECT_FALSE(router.route({"u", name, ""})) << name;
}

TEST_F(RouterTest, SessionStandsForShellExecAndSubsystem) {
  EXPECT_EQ(ends({"shell"}, "dave", std::nullopt), "sh");
  EXPECT_EQ(ends({"exec", "x"}, "dave", std::nullopt), "sh");
  EXPECT_EQ(ends({"subsystem", "", "sftp"}, "dave", std::nullopt), "sh");
  EXPECT_EQ(ends({"direct-tcpip"}, "dave", std::nullopt), "db");
}

TEST_F(RouterTest, ADecisionKeepsItsConfiguration) {
  auto decision = router.route({"bob", "web1", "10.0.0.1"});
  ASSERT_TRUE(decision);
  router = Router(config_of(""));
  EXPECT_EQ(decide_channel(*decision, {"exec", "bastion-x"}).target()->name, "sh");
}

TEST(SharedTarget, IsComparedAsTheTargetItself) {
  const auto through = [](auto change) {
    ResolvedTarget gate;
    gate.name = "gate";
    change(gate);
    ResolvedTarget target;
    target.via = SharedTarget(gate);
    return target;
  };
  const ResolvedTarget plain = through([](ResolvedTarget&) {});
  EXPECT_EQ(plain, through([](ResolvedTarget&) {}));
  EXPECT_TRUE(plain <=> through([](ResolvedTarget&) {}) == std::strong_ordering::equal);
  for (const ResolvedTarget& other : {ResolvedTarget{}, through([](ResolvedTarget& t) { t.user = "u"; }),
                                      through([](ResolvedTarget& t) { t.options.max_age += Duration(1); }),
                                      through([](ResolvedTarget& t) { t.via = SharedTarget(ResolvedTarget{}); })}) {
    EXPECT_NE(plain, other);
    EXPECT_EQ(plain<other, other> plain);
    EXPECT_NE(plain < other, other < plain);
  }
  EXPECT_LT(SharedTarget{}, SharedTarget(ResolvedTarget{}));
}

TEST(Rights, AreTheOptionsThatBearOnClients) {
  const ResolvedTarget plain;
  ResolvedTarget through_plain;
  through_plain.via = SharedTarget(plain);
  config::for_each_row(config::kOptions, [&](const auto& row) {
    ResolvedTarget target;
    change(target.options.*row.value);
    EXPECT_EQ(rights_at(target) != rights_at(plain), row.bears_on == config::BearsOn::clients) << row.name;
    ResolvedTarget through;
    through.via = SharedTarget(target);
    EXPECT_EQ(rights_at(through), rights_at(through_plain)) << row.name << " of the way there is the way's own";
  });
  ResolvedTarget other;
  other.user = "root";
  EXPECT_NE(rights_at(other), rights_at(plain));
  ResolvedTarget through_other;
  through_other.via = SharedTarget(other);
  EXPECT_NE(rights_at(through_other), rights_at(through_plain));
}

TEST(Via, IsResolvedForTheUserWithItsOwnNameAndOptions) {
  const auto config = config_of(
      "[defaults]\nidle_timeout='1m'\n"
      "[target.gate]\naddress='{target}.example'\nuser='g-{user}'\ncredentials=['key:keys/{user}_{target}']\nknown_hosts='kh'\n"
      "[target.db]\naddress='{target}.internal'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='gate'\n"
      "[[route]]\ntargets=['*']\nto='db'\nidle_timeout='5m'\n");
  const auto decision = Router(config).route({"bob", "db7", "10.0.0.1"});
  ASSERT_TRUE(decision);
  const ResolvedTarget db = *decide_channel(*decision, {"shell"}).target();
  EXPECT_EQ(db.host, "db7.internal");
  EXPECT_EQ(path_of(db), "via gate");
  ASSERT_TRUE(db.via);
  const ResolvedTarget& gate = *db.via;
  EXPECT_EQ(gate.host, "gate.example");
  EXPECT_EQ(gate.user, "g-bob");
  EXPECT_EQ(gate.credentials.at(0).value, "/c/keys/bob_gate");
  EXPECT_EQ(gate.options.idle_timeout, Duration(std::chrono::minutes(1)));
  EXPECT_EQ(db.options.idle_timeout, Duration(std::chrono::minutes(5)));
  ResolvedTarget same = db;
  same.via = SharedTarget(gate);
  EXPECT_TRUE(same == db);
  same.via = SharedTarget{};
  EXPECT_FALSE(same == db);
}

TEST(ProxyCommand, GetsTheTargetsAddressAndTheLoginName) {
  const auto config = config_of(
      "[target.db]\naddress='{target}.internal:2200'\nuser='up-{user}'\ncredentials=['key:k']\nknown_hosts='kh'\n"
      "proxy_command=['/usr/bin/nc', '-x', '{user}@{host}:{port}', '{target}']\n"
      "[[route]]\ntargets=['*']\nto='db'\n");
  const auto decision = Router(config).route({"bob", "db7", "10.0.0.1"});
  ASSERT_TRUE(decision);
  const ResolvedTarget db = *decide_channel(*decision, {"shell"}).target();
  EXPECT_EQ(db.proxy_command, (std::vector<std::string>{"/usr/bin/nc", "-x", "up-bob@db7.internal:2200", "db7"}));
  EXPECT_EQ(path_of(db), "proxy command");
}

}  // namespace
}  // namespace sallyport::route
