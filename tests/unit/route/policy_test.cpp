// The one policy: all that can be asked for against all that restricts it, and the details that the table doesn't show.
#include "route/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "route/permit_list.hpp"
#include "unit/route/policy_table.hpp"

namespace sallyport::route {
namespace {

using ::testing::HasSubstr;

const Destination kPort = Destination::of_port("web1", 8080);
const Destination kSocket = Destination::of_socket("/run/app.sock");

/// The question that the table is about.
Ask ask_of(Act act) {
  Ask ask{.act = act};
  if (act == Act::direct_tcpip || act == Act::tcpip_forward) ask.destination = &kPort;
  if (act == Act::direct_streamlocal || act == Act::streamlocal_forward) ask.destination = &kSocket;
  if (act == Act::exec) ask.argument = "uptime";
  if (act == Act::subsystem) ask.argument = "sftp";
  if (act == Act::env) ask.argument = "LANG";
  return ask;
}

Verdict verdict_of(const Restricted& client, const Ask& ask) {
  return decide({.decision = client.decision ? &*client.decision : nullptr,
                 .refusal = client.refusal,
                 .grant = client.grant,
                 .inner = client.inner,
                 .now = client.now},
                ask);
}

char outcome_of(const Verdict& verdict, const Ask& ask) {
  if (verdict.permit() == nullptr) return '-';
  const Program& program = verdict.permit()->program();
  return program.forced && (program.act != ask.act || program.argument != ask.argument) ? 'x' : '+';
}

TEST(Policy, SaysWhatTheTableSays) {
  for (std::size_t column = 0; column < kRestrictionCount; ++column) {
    const Restricted client(static_cast<Restriction>(column));
    for (const PolicyRow& row : kPolicyTable) {
      const Ask ask = ask_of(row.act);
      const Verdict verdict = verdict_of(client, ask);
      EXPECT_EQ(outcome_of(verdict, ask), row.outcomes[column])
          << "act " << info_of(row.act).wire << " (" << static_cast<int>(row.act) << "), restriction " << column;
      EXPECT_FALSE(verdict.rule.empty());
      if (const Denial* denied = verdict.denial()) {
        EXPECT_FALSE(denied->told.empty());
        EXPECT_FALSE(denied->detail.empty());
        EXPECT_THAT(denied->told, ::testing::Not(HasSubstr("alice")));
      }
    }
  }
}

TEST(Policy, KnowsActsByTheirNamesAndDeniesTheOthers) {
  for (const ActInfo& info : kActs) {
    if (info.wire.empty()) continue;
    EXPECT_EQ(act_of(info.kind, info.wire), info.act) << info.wire;
  }
  EXPECT_EQ(act_of(ActKind::client_channel, "tun@openssh.com"), Act::unknown_channel);
  EXPECT_EQ(act_of(ActKind::client_channel, "forwarded-tcpip"), Act::unknown_channel) << "only a server opens those";
  EXPECT_EQ(act_of(ActKind::client_channel, "x11"), Act::unknown_channel);
  EXPECT_EQ(act_of(ActKind::client_channel, ""), Act::unknown_channel);
  EXPECT_EQ(act_of(ActKind::session_request, "Exec"), Act::unknown_request);
  EXPECT_EQ(act_of(ActKind::global_request, "streamlocal-forward"), Act::unknown_global);
  EXPECT_EQ(act_of(ActKind::target_channel, "session"), std::nullopt);
}

TEST(Policy, AForcedCommandOfTheConfigurationWinsOverTheKeys) {
  Restricted client(Restriction::force_command);
  client.grant.command = kKeyCommand;
  const Verdict verdict = verdict_of(client, {.act = Act::exec, .argument = "rm -rf /"});
  ASSERT_TRUE(verdict.permit());
  EXPECT_EQ(verdict.permit()->program().argument, kForcedCommand);
  EXPECT_EQ(verdict.permit()->program().original, "rm -rf /");
  EXPECT_EQ(verdict.rule, "force_command of route \"all\"");
}

TEST(Policy, TellsAForcedCommandWhatWasAskedFor) {
  const Restricted client(Restriction::key_command);
  EXPECT_EQ(verdict_of(client, {.act = Act::exec, .argument = ""}).permit()->program().original, "");
  EXPECT_EQ(verdict_of(client, {.act = Act::subsystem, .argument = "sftp"}).permit()->program().original, "sftp");
  EXPECT_EQ(verdict_of(client, {.act = Act::shell}).permit()->program().original, std::nullopt);
  EXPECT_EQ(verdict_of(client, {.act = Act::shell}).permit()->program().act, Act::exec);
  EXPECT_TRUE(verdict_of(client, {.act = Act::env, .argument = "SSH_ORIGINAL_COMMAND"}).denial());
}

TEST(Policy, RulesLookAtTheKeysCommandAndNotAtTheClients) {
  const auto config = config_of(Restricted::text_of(Restriction::none) +
                                "[[route.channel]]\nrequest='exec'\ncommand='of the*'\nto='shell'\n"
                                "[[route.channel]]\nrequest='session'\ndeny='only that'\n");
  const auto decision = Router(config).route({"alice", "web1", "192.0.2.1"});
  ASSERT_TRUE(decision);
  LoginGrant grant;
  EXPECT_TRUE(decide({.decision = &*decision, .grant = grant}, {.act = Act::exec, .argument = "x"}).denial());
  grant.command = kKeyCommand;
  for (const Act act : {Act::shell, Act::exec, Act::subsystem}) {
    const Verdict verdict = decide({.decision = &*decision, .grant = grant}, {.act = act, .argument = "x"});
    ASSERT_TRUE(verdict.permit());
    EXPECT_EQ(verdict.permit()->target().name, "shell");
  }
}

TEST(Policy, ForcedSftpIsForSftpAlone) {
  Restricted by_key(Restriction::none);
  by_key.grant.command = "internal-sftp";
  const Restricted by_route(Restriction::internal_sftp);
  for (const Restricted* client : {&std::as_const(by_key), &by_route}) {
    const Verdict sftp = verdict_of(*client, {.act = Act::subsystem, .argument = "sftp"});
    ASSERT_TRUE(sftp.permit());
    EXPECT_EQ(sftp.permit()->program().act, Act::subsystem);
    EXPECT_EQ(verdict_of(*client, {.act = Act::subsystem, .argument = "netconf"}).denial()->told,
              "this service allows sftp connections only");
    EXPECT_TRUE(verdict_of(*client, {.act = Act::exec, .argument = "sftp"}).denial());
  }
}

TEST(Policy, ForcedSftpWithArgumentsIsRefused) {
  for (const std::string command : {"internal-sftp -R", "internal-sftp\t-P remove", "internal-sftp -d /data", "internal-sftp "}) {
    Restricted by_key(Restriction::none);
    by_key.grant.command = command;
    by_key.grant.file = "/keys/alice";
    by_key.grant.line = 3;
    Restricted by_certificate(Restriction::none);
    by_certificate.grant.command = command;
    by_certificate.grant.certificate.emplace();
    Restricted by_option(Restriction::none);  // the loader lets none through
    by_option.decision->target.options.force_command = command;
    const std::pair<const Restricted*, const char*> clients[] = {{&by_key, "the key's options (/keys/alice:3)"},
                                                                 {&by_certificate, "the certificate"},
                                                                 {&by_option, "force_command of [defaults]"}};
    for (const auto& [client, rule] : clients) {
      for (const Ask& ask :
           {Ask{.act = Act::subsystem, .argument = "sftp"}, Ask{.act = Act::exec, .argument = "id"}, Ask{.act = Act::shell}}) {
        const Verdict verdict = verdict_of(*client, ask);
        ASSERT_TRUE(verdict.denial()) << command;
        EXPECT_EQ(verdict.rule, rule);
        EXPECT_EQ(verdict.denial()->told, "the forced command is not supported here");
        EXPECT_THAT(verdict.denial()->detail, HasSubstr("internal-sftp is supported without arguments only"));
      }
    }
  }
  Restricted other(Restriction::none);
  other.grant.command = "internal-sftp-menu -R";
  EXPECT_TRUE(verdict_of(other, {.act = Act::shell}).permit()) << "a program like others";
}

TEST(Policy, SignalsDoNotReachForcedCommandsAndSubsystems) {
  const Restricted client(Restriction::none);
  const auto signal = [&client](const Program& running) {
    return verdict_of(client, {.act = Act::signal, .running = &running}).permit() != nullptr;
  };
  EXPECT_TRUE(signal({Act::exec, "sleep 1", {}, false}));
  EXPECT_TRUE(signal({Act::shell, "", {}, false}));
  EXPECT_FALSE(signal({Act::exec, "menu", {}, true}));
  EXPECT_FALSE(signal({Act::subsystem, "sftp", {}, false}));
}

TEST(Policy, ATerminalIsAskedAboutOnceMoreWhereTheSessionEnds) {
  const auto config = config_of(
      "[target.web1]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n"
      "[target.plain]\nkind='local'\npermit_pty=false\n"
      "[[route]]\nname='r'\nto='web1'\n"
      "[[route.channel]]\nrequest='exec'\ncommand='plain*'\nto='plain'\n");
  const auto decision = Router(config).route({"alice", std::nullopt, "192.0.2.1"});
  ASSERT_TRUE(decision);
  const LoginGrant grant;
  const Standing who{.decision = &*decision, .grant = grant};
  EXPECT_TRUE(decide(who, {.act = Act::pty}).permit());
  EXPECT_TRUE(decide(who, {.act = Act::exec, .argument = "other", .has_pty = true}).permit());
  EXPECT_TRUE(decide(who, {.act = Act::exec, .argument = "plain"}).permit());
  const Verdict verdict = decide(who, {.act = Act::exec, .argument = "plain", .has_pty = true});
  ASSERT_TRUE(verdict.denial());
  EXPECT_EQ(verdict.denial()->told, "a terminal is not allowed");
  EXPECT_EQ(verdict.rule, "permit_pty of target plain");
  EXPECT_EQ(verdict.reason(), "permit_pty is false (permit_pty of target plain)");
}

TEST(Policy, OnlyPermittedAccountsAreUsedOnTheBastion) {
  const auto outcome = [](const std::string& account, const std::string& permitted) {
    const auto config = config_of("[target.sh]\nkind='local'\nuser='" + account + "'\n" + permitted + "\n[[route]]\nto='sh'\n");
    const auto decision = Router(config).route({"alice", std::nullopt, "192.0.2.1"});
    const LoginGrant grant;
    const Verdict verdict = decide({.decision = &*decision, .grant = grant}, {.act = Act::shell});
    return verdict.denial() ? verdict.rule : "";
  };
  EXPECT_EQ(outcome("{user}", ""), "");
  EXPECT_EQ(outcome("{user}", "permit_accounts=['al*']"), "");
  EXPECT_EQ(outcome("{user}", "permit_accounts=['web-*']"), "permit_accounts of target sh");
  EXPECT_EQ(outcome("{user}", "permit_accounts=[]"), "permit_accounts of target sh");
  EXPECT_EQ(outcome("root", ""), "permit_accounts of target sh");
  EXPECT_EQ(outcome("root", "permit_accounts=['r*', '*']"), "permit_accounts of target sh");
  EXPECT_EQ(outcome("root", "permit_accounts=['root']"), "");
}

TEST(Policy, NamesThePlaceThatSetAnOption) {
  const auto rule = [](const std::string& defaults, const std::string& target, const std::string& route) {
    const auto config = config_of("[defaults]\n" + defaults + "\n[target.sh]\nkind='local'\n" + target +
                                  "\n[[route]]\nname='r'\nto='sh'\n" + route);
    const auto decision = Router(config).route({"alice", std::nullopt, "192.0.2.1"});
    const LoginGrant grant;
    return decide({.decision = &*decision, .grant = grant}, {.act = Act::shell}).rule;
  };
  EXPECT_EQ(rule("", "", ""), "route \"r\"");
  EXPECT_EQ(rule("force_command='a'", "", ""), "force_command of [defaults]");
  EXPECT_EQ(rule("force_command='a'", "force_command='b'", ""), "force_command of target sh");
  EXPECT_EQ(rule("force_command='a'", "force_command='b'", "force_command='c'"), "force_command of route \"r\"");
}

TEST(Policy, WhatARouteAsksForIsNotEscapedByWayOfTheNext) {
  const auto config = config_of(
      "[target.web1]\naddress='h'\ncredentials=['key:k']\nknown_hosts='kh'\n"
      "[[route]]\nname='guarded'\ntargets=['web1']\nto='web1'\nrequire=['mfa']\nvalid=['Mon 08:00-18:00']\n"
      "[[route]]\nname='open'\ntargets=['*']\nto='web1'\n");
  const auto told = [&config](bool mfa, std::optional<config::WeekTime> at) {
    const auto decision = Router(config).route({"alice", "web1", "192.0.2.1", mfa, at});
    return decision ? decision->route().name : decision.error().detail;
  };
  EXPECT_EQ(told(true, kOpenTime), "guarded");
  EXPECT_EQ(told(false, kOpenTime), "target 'web1' needs a login with a second factor");
  EXPECT_EQ(told(true, kClosedTime), "target 'web1' may not be used at this time");
  EXPECT_EQ(told(true, std::nullopt), "target 'web1' may not be used at this time");
}

TEST(PermitList, ComparesAsSshd) {
  using D = Destination;
  const std::vector<std::string> list{"db:5432", "[::1]:80", "any:*", "*:443"};
  for (const D& to : {D::of_port("db", 5432), D::of_port("::1", 80), D::of_port("any", 1), D::of_port("x", 443)})
    EXPECT_TRUE(permits_open(list, to)) << to.text();
  for (const D& to :
       {D::of_port("DB", 5432), D::of_port("db", 5433), D::of_port("d*", 5432), D::of_port("::1", 81), D::of_socket("/run/x")})
    EXPECT_FALSE(permits_open(list, to)) << to.text();
  EXPECT_FALSE(permits_open({}, D::of_port("db", 5432)));
  for (const char* broken : {"db", "5432", "db:", ":80", "db:x", "db:0", "db:65536", "db:80x", ""})
    EXPECT_FALSE(permits_open({broken}, D::of_port("db", 80))) << broken;
  EXPECT_TRUE(permits_open({"*:*"}, D::of_socket("/run/x")));
  EXPECT_TRUE(permits_listen({"8080"}, D::of_port("", 8080)));
  EXPECT_TRUE(permits_listen({"localhost:8080"}, D::of_port("localhost", 8080)));
  EXPECT_FALSE(permits_listen({"localhost:8080"}, D::of_port("127.0.0.1", 8080)));
  EXPECT_FALSE(permits_listen({"localhost:8080"}, D::of_port("localhost", 0)));
  EXPECT_TRUE(permits_listen({"localhost:*"}, D::of_port("localhost", 0)));
}

}  // namespace
}  // namespace sallyport::route
