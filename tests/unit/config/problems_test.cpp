// What the loader says, and where.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "unit/config/memory_files.hpp"

namespace sallyport::config {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> problems_of(const std::string& text) {
  MemoryFiles files;
  files.contents["/c/main.toml"] = text;
  const Loaded loaded = load("/c/main.toml", files);
  EXPECT_EQ(loaded.config == nullptr, !loaded.problems.empty());
  std::vector<std::string> lines;
  for (const Problem& problem : loaded.problems) lines.push_back(to_string(problem));
  return lines;
}

constexpr const char* kListen = "[[listen]]\naddress = \"127.0.0.1:0\"\n";  // two lines in front of each row's text

struct Row {
  const char* name;
  const char* text;
  const char* problem;
};

class ProblemTest : public ::testing::TestWithParam<Row> {};

TEST_P(ProblemTest, NamesPlaceFoundAndExpected) {
  const auto lines = problems_of(std::string(kListen) + GetParam().text);
  ASSERT_EQ(lines.size(), 1U) << ::testing::PrintToString(lines);
  EXPECT_EQ(lines[0].substr(0, std::string("/c/main.toml:").size()), "/c/main.toml:");
  EXPECT_THAT(lines[0], HasSubstr(GetParam().problem));
}

constexpr const char* kSshTarget = "address='h'\ncredentials=['key:k']\nknown_hosts='kh'\n";

const Row kRows[] = {
    {"UnknownSection", "[sever]\n", ":3:2: unknown key \"sever\"; did you mean \"server\"?"},
    {"UnknownKey", "[server]\n  hostkeys = []\n", ":4:3: unknown key \"hostkeys\" in [server]; did you mean \"host_keys\"?"},
    {"UnknownOption", "[defaults]\nidle_timout = '1s'\n",
     ":4:1: unknown key \"idle_timout\" in [defaults]; did you mean \"idle_timeout\"?"},
    {"NumberForDuration", "[server]\ndrain_timeout = 30\n",
     ":4:17: server.drain_timeout: found the number 30, expected a duration with its unit, such as \"30s\""},
    {"DurationWithoutUnit", "[defaults]\nmax_age = '30'\n",
     ":4:11: defaults.max_age: found the string \"30\", expected a duration"},
    {"Word", "[log]\nlevel = 'inof'\n",
     ":4:9: log.level: found the string \"inof\", expected one of \"trace\", \"debug\", \"info\", \"warn\", \"error\"; did you "
     "mean \"info\"?"},
    {"Number", "[limits]\nmax_auth_tries = 0\n",
     ":4:18: limits.max_auth_tries: found the number 0, expected a whole number from 1 to 1000"},
    {"Startups", "[limits]\nmax_startups = '1:2'\n", ":4:16: limits.max_startups: found the string \"1:2\""},
    {"ListItem", "[auth]\nauthorized_keys = ['a',\n 5]\n",
     ":5:2: auth.authorized_keys: found the number 5, expected a string that is not empty"},
    {"Placeholder", "[auth]\nauthorized_keys = ['k/{usr}']\n",
     ":4:20: auth.authorized_keys: found the string \"k/{usr}\", expected no other placeholder than {user} and {home}"},
    {"Algorithm", "[algorithms]\nkex = ['curve25519-sha265']\n",
     ":4:8: algorithms.kex: found the string \"curve25519-sha265\", expected the name of an algorithm that this build knows; did "
     "you mean \"curve25519-sha256\"?"},
    {"EmptyAlgorithms", "[algorithms]\nmacs = []\n", ":4:8: algorithms.macs: found an empty list, expected at least one name"},
    {"Table", "server = 5\n", ":3:1: "},
    {"Syntax", "[server\n", ":3:8: "},
    {"Listen", "[[listen]]\naddress = 'localhost:22'\n",
     ":4:11: listen.address: found the string \"localhost:22\", expected an IP address and a port"},
    {"ListenTwice", "[[listen]]\naddress = '127.0.0.1:22'\n[[listen]]\naddress = '127.0.0.1:22'\n",
     ":6:11: listen.address: found the string \"127.0.0.1:22\", where \"127.0.0.1:22\" listens already"},
    {"ListenEverywhereAndHere", "[[listen]]\naddress = '[::]:22'\n[[listen]]\naddress = '[::1]:22'\n",
     ":6:11: listen.address: found the string \"[::1]:22\", where \"[::]:22\" listens already"},
    {"LegacyName", "[algorithms]\nkex = ['diffie-hellman-group1-sha1']\n",
     ":4:8: algorithms.kex: found the string \"diffie-hellman-group1-sha1\", expected the name of an algorithm that this build "
     "knows; a target with legacy_algorithms = true offers it"},
    {"NoDss", "[algorithms]\nhost_keys = ['ssh-dss']\n",
     ":4:14: algorithms.host_keys: found the string \"ssh-dss\", expected the name of an algorithm that this build knows; "
     "libssh, which does this, doesn't have it any more"},
    {"LegacyDownstream", "[algorithms]\nlegacy_algorithms = true\n", ":4:1: unknown key \"legacy_algorithms\" in [algorithms]"},
    {"LegacyByDefault", "[defaults]\nlegacy_algorithms = true\n", ":4:1: unknown key \"legacy_algorithms\" in [defaults]"},
    {"LegacyOfALocalTarget", "[target.x]\nkind = 'local'\nlegacy_algorithms = true\n", ":5:1: "},
    {"ListenWithout", "[[listen]]\n", ":3:1: expected the key \"address\" in [listen]"},
    {"Methods", "[auth]\nmethods = ['publickey', 'pasword']\n",
     ":4:25: auth.methods: found the string \"pasword\", expected \"publickey\", \"password\", \"keyboard-interactive\" or "
     "several joined by \"+\"; did you mean \"password\"?"},
    {"MethodTwice", "[auth]\nmethods = ['publickey+publickey']\n",
     ":4:12: auth.methods: found the string \"publickey+publickey\""},
    {"PasswordOfNobody", "[auth]\nmethods = ['publickey', 'password']\n",
     ":4:11: auth.methods: \"password\" needs \"pam_service\" or \"password_file\""},
    {"QuestionsOfNobody", "[auth]\nmethods = ['publickey+keyboard-interactive']\n",
     ":4:11: auth.methods: \"publickey+keyboard-interactive\" needs"},
    {"ProgramWithoutUser", "[auth]\nauthorized_keys_command = ['/bin/keys']\n",
     ":4:27: auth.authorized_keys_command: needs \"authorized_keys_command_user\""},
    {"PamAndFile", "[auth]\npam_service = 'sallyport'\ntotp_file = 'codes'\n", ":4:15: auth: \"pam_service\" excludes"},
    {"Penalties", "[penalties]\nmin = '1h'\nmax = '1m'\n",
     ":5:7: penalties.max: found the string \"1m\", expected no less than \"min\", which is 1h"},
    {"PenaltiesOfTheDefault", "[penalties]\nmin = '1h'\n",
     ":4:7: penalties.min: found the string \"1h\", expected no more than \"max\", which is 10m"},
    {"PenaltiesUnderTheDefault", "[penalties]\nmax = '1s'\n",
     ":4:7: penalties.max: found the string \"1s\", expected no less than \"min\", which is 15s"},
    {"Exempt", "[penalties]\nexempt = ['10.0.0.1/8']\n",
     ":4:11: penalties.exempt: found the string \"10.0.0.1/8\", expected a network"},
    {"Umask", "[target.a]\nkind='local'\numask='0999'\n",
     ":5:7: target.a.umask: found the string \"0999\", expected an octal number"},
    {"ResourceLimit", "[target.a]\nkind='local'\nlimits={nofile='many'}\n",
     ":5:16: target.a.limits.nofile: found the string \"many\", expected a number"},
    {"Signer", "[target.a]\naddress='h'\nknown_hosts='kh'\ncredentials=['signer']\n",
     ":6:13: target.a.credentials: \"signer\" needs the key \"signer\""},
    {"Require", "[target.a]\nkind='local'\n[[route]]\nto='a'\nrequire=['mfs']\n",
     ": route.require: found the string \"mfs\", expected \"mfa\""},
    {"Recording", "[recording]\ndirectory = '/r'\n", ": recording is not supported yet"},
    {"Record", "[defaults]\nrecord = 'all'\n", ":4:1: defaults.record is not supported yet"},
    {"SftpArguments", "[defaults]\nforce_command = 'internal-sftp -R'\n",
     ":4:17: defaults.force_command: found the string \"internal-sftp -R\", expected \"internal-sftp\" without arguments"},
    {"Agent", "[defaults]\nforward_agent = 'yes'\n", ":4:17: defaults.forward_agent: found the string \"yes\""},
    {"RemoteForwarding", "[defaults]\nremote_forwarding = ['*:8080-80']\n",
     ":4:22: defaults.remote_forwarding: found the string \"*:8080-80\", expected \"HOST:PORT\""},
    {"Forwarding", "[defaults]\nlocal_forwarding = ['db:5432',\n 'db']\n",
     ":5:2: defaults.local_forwarding: found the string \"db\", expected \"HOST:PORT\""},
    {"ForwardingPort", "[defaults]\nlocal_forwarding = ['db:0']\n",
     ":4:21: defaults.local_forwarding: found the string \"db:0\""},
    {"RouteToNowhere", "[target.web1]\nkind='local'\n[[route]]\nto = 'web2'\n",
     ":6:6: route.to: found the string \"web2\", expected the name of a [target.NAME], or \"{target}\"; did you mean \"web1\"?"},
    {"Group", "[groups]\nops = []\n[[route]]\nusers = ['@op']\nto = '{target}'\n",
     ":6:10: route.users: found the string \"@op\", expected a group of [groups]; did you mean \"ops\"?"},
    {"Source", "[[route]]\nsources = ['10.0.0.1/8']\nto = '{target}'\n",
     ":4:12: route.sources: found the string \"10.0.0.1/8\", expected a network"},
    {"NoTo", "[[route]]\nname = 'x'\n", ":3:1: expected the key \"to\" in [route]"},
    {"LocalWithAddress", "[target.a]\nkind = 'local'\naddress = 'x'\n",
     ":5:1: target.a.address: only a target with kind = \"ssh\" has it"},
    {"Kind", "[target.a]\nkind = 'loacl'\n",
     ":4:8: target.a.kind: found the string \"loacl\", expected one of \"ssh\", \"local\"; did you mean \"local\"?"},
    {"KnownHosts", "[target.a]\naddress='h'\ncredentials=['key:k']\n", ":3:1: expected the key \"known_hosts\" in [target.a]"},
    {"Credential", "[target.a]\naddress='h'\nknown_hosts='kh'\ncredentials=['agnet:/x']\n",
     ":6:14: target.a.credentials: found the string \"agnet:/x\", expected one of"},
    {"ProxyProgram", "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nproxy_command=['nc', '{host}']\n",
     ":7:16: target.a.proxy_command: found the string \"nc\", expected a path: programs are not searched for"},
    {"ProxyPlaceholder", "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nproxy_command=['/nc', '{hots}']\n",
     ":7:23: target.a.proxy_command: found the string \"{hots}\", expected no other placeholder than {host}, {port}, {user} and "
     "{target}"},
    {"ProxyProgramPlaceholder",
     "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nproxy_command=['/bin/{user}']\n",
     ":7:16: target.a.proxy_command: found the string \"/bin/{user}\", expected a program's path without placeholders"},
    {"LocalWithProxy", "[target.a]\nkind = 'local'\nproxy_command = ['/nc']\n",
     ":5:1: target.a.proxy_command: only a target with kind = \"ssh\" has it"},
    {"ViaNobody",
     "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n[target.b]\naddress='h'\ncredentials=['key:k']\nknown_"
     "hosts='kh'\nvia='ab'\n",
     ":11:5: target.b.via: found the string \"ab\", expected the name of a [target.NAME] of kind \"ssh\"; did you mean \"a\"?"},
    {"ViaLocal", "[target.sh]\nkind='local'\n[target.b]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='sh'\n",
     ":9:5: target.b.via: found the string \"sh\", expected the name of a [target.NAME] of kind \"ssh\""},
    {"ViaItself", "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='a'\n",
     ":7:5: target.a.via: found the string \"a\", which is reached through \"a\" itself"},
    {"ViaAndProxy",
     "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n[target.b]\naddress='h'\ncredentials=['key:k']\nknown_"
     "hosts='kh'\nvia='a'\nproxy_command=['/nc']\n",
     ":11:5: target.b.via: \"via\" and \"proxy_command\" exclude each other"},
    {"ViaTooFar",
     "[target.a]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n[target.b]\naddress='h'\ncredentials=['key:k']\nknown_"
     "hosts='kh'\nvia='a'\n[target.c]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='b'\n[target.d]\naddress='h'"
     "\ncredentials=['key:k']\nknown_hosts='kh'\nvia='c'\n[target.e]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='"
     "d'\n[target.f]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\nvia='e'\n",
     ":31:5: target.f.via: found a chain of 5 targets, expected no more than 4"},
    {"LocalWithVia", "[target.a]\nkind = 'local'\nvia = 'a'\n", ":5:1: target.a.via: only a target with kind = \"ssh\" has it"},
    {"Shell", "[target.a]\nkind='local'\nshell=['sh']\n", ":5:8: target.a.shell: found the string \"sh\", expected a path"},
    {"Variable", "[target.a]\nkind='local'\nenvironment={'1A'='x'}\n", ": target.a.environment: found the name \"1A\""},
    {"Nul", "[target.a]\nkind='local'\nenvironment={A=\"x\\u0000\"}\n",
     ":5:16: target.a.environment.A: found the string \"x\\x00\", expected a string"},
    {"TargetName", "[target.'a/b']\nkind='local'\n", ": target: found the name \"a/b\""},
    {"Rule", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='exce'\nto='{target}'\n",
     ":6:9: route.channel.request: found the string \"exce\""},
    {"RuleBoth", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='exec'\nto='{target}'\ndeny='no'\n",
     ":8:6: route.channel: \"to\" and \"deny\" exclude each other"},
    {"RuleNone", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='exec'\n",
     ":5:1: route.channel: expected one of the keys \"to\" and \"deny\""},
    {"RuleRegex", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='exec'\ncommand_regex='(a'\nto='{target}'\n",
     ":7:15: route.channel.command_regex: found the string \"(a\", expected a regular expression: missing ): (a"},
    {"RuleGlobAndRegex",
     "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='exec'\ncommand='a'\ncommand_regex='a'\nto='{target}'\n",
     ":8:15: route.channel: \"command\" and \"command_regex\" exclude each other"},
    {"RuleRegexOfShell", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='shell'\ncommand_regex='a'\nto='{target}'\n",
     ":7:15: route.channel.command_regex: only goes with request"},
    {"RuleLater", "[[route]]\nto='{target}'\n[[route.channel]]\nrequest='tcpip-forward'\nto='{target}'\n",
     ":7:4: route.channel.to: not supported yet for \"tcpip-forward\""},
    {"Proxy", "[[listen]]\naddress='[::]:22'\nproxy_protocol_from=['10.0.0.1/8']\n",
     ":5:22: listen.proxy_protocol_from: found the string \"10.0.0.1/8\", expected a network"},
    {"Identification", "[server]\nidentification=\"Open-SSH\"\n", ":4:16: server.identification: found"},
    {"BannerFile", "[server]\nbanner='@none.txt'\n", ":4:8: server.banner: can't read /c/none.txt: No such file"},
};

INSTANTIATE_TEST_SUITE_P(Rows, ProblemTest, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Problems, AreAllToldAtOnceInTheOrderOfTheFile) {
  const auto lines = problems_of("[log]\nlevel = 1\n[server]\nx = 1\n[[listen]]\naddress = 2\n");
  ASSERT_EQ(lines.size(), 3U) << ::testing::PrintToString(lines);
  EXPECT_THAT(lines[0], HasSubstr(":2:9: log.level"));
  EXPECT_THAT(lines[1], HasSubstr(":4:1: unknown key"));
  EXPECT_THAT(lines[2], HasSubstr(":6:11: listen.address"));
}

TEST(Problems, AGlobThatMeansLessThanItLooksIsAWarning) {
  MemoryFiles files;
  std::string text = std::string(kListen) + "[target.a]\nkind='local'\n[[route]]\nto='a'\n";
  for (const char* rule : {"command='echo *'\nto='a'", "command='rm *'\ndeny='no'", "command='*'\nto='a'",
                           "command='uptime'\nto='a'", "command_regex='a.*'\nto='a'", "command='a?'\nto='a'"})
    text += std::string("[[route.channel]]\nrequest='exec'\n") + rule + "\n";
  files.contents["/c/main.toml"] = text;
  const Loaded loaded = load("/c/main.toml", files);
  ASSERT_TRUE(loaded.config);
  ASSERT_EQ(loaded.warnings.size(), 2U);
  EXPECT_THAT(to_string(loaded.warnings[0]),
              HasSubstr("/c/main.toml:9:9: route.channel.command: the string \"echo *\": wildcards"));
  EXPECT_EQ(loaded.warnings[1].line, 29U);
}

TEST(Problems, WarnsOfRoutesThatNobodyGets) {
  const auto warnings_of = [](const std::string& routes) {
    MemoryFiles files;
    files.contents["/c/main.toml"] =
        std::string(kListen) + "[groups]\ng=['x']\n[target.a]\nkind='local'\n[target.b]\nkind='local'\n" + routes;
    const Loaded loaded = load("/c/main.toml", files);
    EXPECT_TRUE(loaded.config);
    std::string text;
    for (const Problem& warning : loaded.warnings) text += warning.message + "\n";
    return text;
  };
  const auto pair = [&warnings_of](const std::string& first, const std::string& second) {
    return warnings_of("[[route]]\nname='1'\n" + first + "\n[[route]]\nname='2'\n" + second + "\n");
  };
  EXPECT_EQ(warnings_of(""), "there is no [[route]]: whoever logs in gets nowhere\n");
  const std::string hidden = "route: \"2\" is never reached: \"1\" comes first and takes all that it would\n";
  struct Row {
    const char* first;
    const char* second;
    bool is_hidden;
  };
  const Row rows[] = {{"to='a'", "to='a'", true},
                      {"to='a'", "to='b'", false},  // whoever names b
                      {"to='a'", "targets=['a']\nto='b'", true},
                      {"to='a'", "targets=['a','c']\nto='b'", false},
                      {"to='{target}'", "targets=['x*']\nto='b'", true},
                      {"to='{target}'", "to='b'", false},  // who names none
                      {"targets=['*']\nto='a'", "targets=['x']\nto='b'", true},
                      {"targets=['x','y']\nto='a'", "targets=['y']\nto='b'", true},
                      {"targets=['x']\nto='a'", "targets=['x*']\nto='b'", false},
                      {"targets=['*']\nto='a'", "to='b'", false},
                      {"users=['@g']\nto='a'", "to='a'", false},
                      {"users=['@g','z']\nto='a'", "users=['z']\nto='a'", true},
                      {"users=['*']\nto='a'", "to='a'", true},
                      {"users=['z']\nto='a'", "users=[]\nto='a'", true},
                      {"users=[]\nto='a'", "users=[]\nto='a'", true},
                      {"users=[]\nto='a'", "users=['z']\nto='a'", false},
                      {"sources=['10.0.0.0/8']\nto='a'", "to='a'", false},
                      {"to='a'", "sources=['10.0.0.0/8']\nto='a'", true},
                      {"valid=['Mon']\nto='a'", "to='a'", true}};  // a closed route refuses, and leads on to none
  for (const Row& row : rows)
    EXPECT_EQ(pair(row.first, row.second), row.is_hidden ? hidden : "") << row.first << " / " << row.second;
}

TEST(Problems, SocketsThatCanListenBesideOneAnother) {
  EXPECT_TRUE(
      problems_of("[[listen]]\naddress='0.0.0.0:22'\n[[listen]]\naddress='[::]:22'\n[[listen]]\naddress='0.0.0.0:23'\n"
                  "[[listen]]\naddress='127.0.0.1:0'\n[[listen]]\naddress='127.0.0.1:0'\n[[listen]]\naddress='127.0.0.1:24'\n"
                  "[[listen]]\naddress='127.0.0.2:24'\n")
          .empty());
}

TEST(Problems, WithoutAListener) { EXPECT_THAT(problems_of("")[0], HasSubstr("expected at least one [[listen]]")); }

TEST(Problems, OfAMissingFileNameTheFile) {
  const Loaded loaded = load("/c/none.toml", MemoryFiles());
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(to_string(loaded.problems[0]), "/c/none.toml: can't read /c/none.toml: No such file or directory");
}

TEST(Problems, OffIsAcceptedForWhatComesLater) {
  const std::string text = std::string(kListen) +
                           "proxy_protocol_from=[]\n[auth]\ntrusted_user_ca_keys=[]\nrevoked_keys=[]\n[recording]\n[defaults]\n"
                           "record='none'\nforward_agent=false\nforward_x11=false\nlocal_forwarding=[]\nremote_forwarding=[]\n"
                           "[target.a]\n" +
                           kSshTarget;
  EXPECT_TRUE(problems_of(text).empty()) << ::testing::PrintToString(problems_of(text));
}

struct IncludeTest : ::testing::Test {
  std::string first_problem() {
    const Loaded loaded = load("/c/main.toml", files);
    return loaded.problems.empty() ? "" : to_string(loaded.problems[0]);
  }
  MemoryFiles files;
};

TEST_F(IncludeTest, LoopsAreNoticed) {
  files.contents["/c/main.toml"] = "include = ['a.toml']\n";
  files.contents["/c/a.toml"] = "include = ['main.toml']\n";
  EXPECT_EQ(first_problem(), "/c/a.toml:1:12: /c/main.toml includes itself");
}

TEST_F(IncludeTest, DepthIsLimited) {
  files.contents["/c/main.toml"] = "include = ['0.toml']\n";
  for (int i = 0; i < 20; ++i)
    files.contents["/c/" + std::to_string(i) + ".toml"] = "include = ['" + std::to_string(i + 1) + ".toml']\n";
  EXPECT_THAT(first_problem(), HasSubstr("includes are nested more than 8 deep"));
}

TEST_F(IncludeTest, AFileThatIsNamedMustExist) {
  files.contents["/c/main.toml"] = "include = ['none.toml']\n";
  EXPECT_EQ(first_problem(), "/c/main.toml:1:12: can't read /c/none.toml: No such file or directory");
}

TEST_F(IncludeTest, AKeyThatTwoFilesSetIsAProblem) {
  files.contents["/c/main.toml"] = "include = ['a.toml']\n[log]\nlevel = 'info'\n";
  files.contents["/c/a.toml"] = "[log]\nlevel = 'warn'\n";
  EXPECT_EQ(first_problem(), "/c/a.toml:2:1: \"level\" has been set already, in /c/main.toml, line 3");
}

TEST_F(IncludeTest, ATargetThatTwoFilesDefineIsAProblem) {
  files.contents["/c/main.toml"] = "include = ['a.toml']\n[target.x]\nkind='local'\n";
  files.contents["/c/a.toml"] = "[target.x]\nidle_timeout='1s'\n";
  EXPECT_EQ(first_problem(), "/c/a.toml:1:9: \"x\" has been set already, in /c/main.toml, line 2");
}

TEST(ViaProblems, ALoopIsToldOfEachOfItsMembersAlone) {
  const std::string rest = "\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n";
  const auto lines =
      problems_of(kListen + ("[target.a]" + rest) + "via='b'\n[target.b]" + rest + "via='a'\n[target.c]" + rest + "via='a'\n");
  ASSERT_EQ(lines.size(), 2U) << ::testing::PrintToString(lines);
  EXPECT_THAT(lines[0], HasSubstr(":7:5: target.a.via: found the string \"b\", which is reached through \"a\" itself"));
  EXPECT_THAT(lines[1], HasSubstr(":12:5: target.b.via: found the string \"a\", which is reached through \"b\" itself"));
}

}  // namespace
}  // namespace sallyport::config
