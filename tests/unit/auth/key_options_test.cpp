#include "auth/keys/key_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

KeyQuery query() {
  KeyQuery query;
  query.user = "alice";
  query.source = "10.1.2.3";
  query.now = *parse_expiry_time("20250601120000Z");
  return query;
}

struct Row {
  const char* name;
  const char* options;
  const char* error;  ///< part of it; empty: it lets in
};

class OptionTest : public ::testing::TestWithParam<Row> {};

TEST_P(OptionTest, LetsInOrKeepsOut) {
  const auto options = parse_key_options(GetParam().options, {});
  const Result<> result = options ? check_key_options(*options, query()) : Result<>(fail(options.error()));
  EXPECT_EQ(result.has_value(), *GetParam().error == '\0') << (result ? "" : result.error().detail);
  EXPECT_THAT(result ? "" : result.error().detail, HasSubstr(GetParam().error));
}

const Row kRows[] = {
    {"FromNetwork", "from=\"192.0.2.0/24,10.0.0.0/8\"", ""},
    {"FromGlob", "from=\"10.1.*\"", ""},
    {"FromOther", "from=\"192.0.2.0/24\"", "does not include"},
    {"FromNegated", "from=\"10.0.0.0/8,!10.1.2.3\"", "excludes"},
    {"FromNegatedNetwork", "from=\"*,!10.0.0.0/8\"", "excludes"},
    {"FromNegatedOther", "from=\"!10.9.*,10.*\"", ""},
    {"FromOnlyNegated", "from=\"!10.9.9.9\"", "does not include"},
    {"FromName", "from=\"*.example.org\"", "does not include"},
    {"FromNegatedName", "from=\"!*.example.org,*\"", "excludes a host by name"},
    {"FromBadNetwork", "from=\"10.1.2.3/8\"", "can't be read"},
    {"FromBadNetworkBehindExclusion", "from=\"!10.1.2.3,10.1.2.3/8\"", "can't be read"},
    {"FromTwice", "from=\"10.*\",from=\"*\"", "twice"},
    {"FromWithoutValue", "from", "unknown"},
    {"NotExpired", "expiry-time=\"20250601120001Z\"", ""},
    {"Expired", "expiry-time=\"20250601120000Z\"", "expired"},
    {"ExpiredDay", "expiry-time=\"20250101\"", "expired"},
    {"ExpiresInTheLastYear", "expiry-time=\"99991231\"", ""},
    {"ExpiredInTheFirstYear", "expiry-time=\"00000101Z\"", "expired"},
    {"TheEarlierExpiryCounts", "expiry-time=\"20250101\",expiry-time=\"20300101\"", "expired"},
    {"NoDate", "expiry-time=\"20250231Z\"", "can't be read"},
    {"PermitOpen", "permitopen=\"h:1\",permitopen=\"[::1]:*\"", ""},
    {"PermitOpenWithoutPort", "permitopen=\"h\"", "no \"host:port\""},
    {"PermitOpenBarePort", "permitopen=\"80\"", "no \"host:port\""},
    {"PermitOpenPortZero", "permitopen=\"h:0\"", "no \"host:port\""},
    {"PermitOpenLargePort", "permitopen=\"h:65536\"", "no \"host:port\""},
    {"PermitOpenOfAnAddressWithoutBrackets", "permitopen=\"::1:80\"", "no \"host:port\""},
    {"PermitOpenEmptyHost", "permitopen=\":80\"", "no \"host:port\""},
    {"PermitListen", "permitlisten=\"8080\",permitlisten=\"*:*\",permitlisten=\"localhost:1\"", ""},
    {"PermitListenBad", "permitlisten=\"localhost\"", "no \"port\" or \"host:port\""},
    {"Environment", "environment=\"A_1=b\"", ""},
    {"EnvironmentWithoutValue", "environment=\"A\"", "not of the form"},
    {"EnvironmentWithoutName", "environment=\"=b\"", "not of the form"},
    {"EnvironmentBadName", "environment=\"A-B=b\"", "not of the form"},
    {"Tunnel", "tunnel=\"1\"", ""},
    {"TunnelBad", "tunnel=\"x\"", "no number"},
    {"PrincipalsEmpty", "cert-authority,principals=\",\"", "names nobody"},
    {"PrincipalsTwice", "principals=\"a\",principals=\"b\"", "twice"},
    {"Unknown", "no-such-thing", "\"no-such-thing\" is unknown"},
    {"UnknownWithValue", "x=\"y\"", "\"x\" is unknown"},
    {"FlagWithValue", "no-pty=\"y\"", "\"no-pty\" is unknown"},
    {"OpenQuote", "command=\"x", "not closed"},
    {"NoQuotes", "command=x", "no value in quotation marks"},
    {"TrailingComma", "no-pty,", ""},
    {"TwoCommas", "no-pty,,no-user-rc", "\"\" is unknown"},
    {"NoComma", "command=\"a\"no-pty", "not separated by commas"},
    {"CommandTwice", "command=\"a\",command=\"b\"", "twice"},
    {"UnknownBeforeDenied", "from=\"192.0.2.1\",x=\"1\"", "unknown"},
};

INSTANTIATE_TEST_SUITE_P(Rows, OptionTest, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

LoginGrant grant_of(std::string_view options, const std::vector<std::string>& environment = {}) {
  const auto parsed = parse_key_options(options, environment);
  EXPECT_TRUE(parsed) << options;
  return parsed ? parsed->grant : LoginGrant{};
}

TEST(KeyOptions, RestrictForbidsAllAndLaterOnesAllowAgain) {
  const LoginGrant grant = grant_of("restrict,PTY");
  EXPECT_TRUE(grant.pty);
  EXPECT_FALSE(grant.agent_forwarding || grant.port_forwarding || grant.x11_forwarding || grant.user_rc);
  EXPECT_FALSE(grant_of("pty,restrict").pty);
}

TEST(KeyOptions, EachFlagHasItsNo) {
  const std::pair<const char*, bool LoginGrant::*> flags[] = {{"pty", &LoginGrant::pty},
                                                              {"agent-forwarding", &LoginGrant::agent_forwarding},
                                                              {"port-forwarding", &LoginGrant::port_forwarding},
                                                              {"X11-forwarding", &LoginGrant::x11_forwarding},
                                                              {"user-rc", &LoginGrant::user_rc},
                                                              {"touch-required", &LoginGrant::touch_required},
                                                              {"verify-required", &LoginGrant::verify_required}};
  for (const auto& [name, field] : flags) {
    EXPECT_FALSE(grant_of(std::string("no-") + name).*field) << name;
    EXPECT_TRUE(grant_of(std::string("no-") + name + "," + name).*field) << name;
  }
  EXPECT_EQ(grant_of(""), LoginGrant{});
}

TEST(KeyOptions, CommandsKeepBlanksAndEscapedQuotes) {
  EXPECT_EQ(grant_of(R"(no-pty,command="echo \"a, b\" # c",no-user-rc)").command, R"(echo "a, b" # c)");
}

TEST(KeyOptions, PermissionsAreCollected) {
  const LoginGrant grant = grant_of("permitopen=\"db:5432\",permitlisten=\"8080\",permitopen=\"[2001:db8::1]:*\"");
  EXPECT_THAT(*grant.permit_open, ElementsAre("db:5432", "[2001:db8::1]:*"));
  EXPECT_THAT(*grant.permit_listen, ElementsAre("8080"));
  EXPECT_FALSE(grant_of("no-pty").permit_open);
}

TEST(KeyOptions, OnlyPermittedVariablesAreSetAndTheFirstOfTwoCounts) {
  const char* text = "environment=\"LANG=C\",environment=\"LD_PRELOAD=/x\",environment=\"LC_ALL=a=b\",environment=\"LANG=D\"";
  EXPECT_TRUE(grant_of(text).environment.empty());
  EXPECT_THAT(grant_of(text, {"LANG", "LC_*"}).environment, ElementsAre(Pair("LANG", "C"), Pair("LC_ALL", "a=b")));
}

TEST(KeyOptions, AuthoritiesHavePrincipals) {
  const auto options = parse_key_options("cert-authority,principals=\"ops,alice\"", {});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->cert_authority);
  EXPECT_THAT(*options->principals, ElementsAre("ops", "alice"));
}

TEST(MergeGrants, BothRestrict) {
  LoginGrant line;
  line.pty = false;
  line.permit_open = {"db:5432"};
  line.touch_required = false;
  LoginGrant certificate;
  certificate.certificate = CertificateIdentity{{"id", "ca"}, 1};
  certificate.agent_forwarding = false;
  certificate.verify_required = true;
  certificate.command = "uptime";
  const auto merged = merge_grants(line, certificate);
  ASSERT_TRUE(merged);
  EXPECT_FALSE(merged->pty || merged->agent_forwarding);
  EXPECT_TRUE(merged->port_forwarding && merged->x11_forwarding && merged->user_rc);
  EXPECT_TRUE(merged->verify_required);
  EXPECT_TRUE(merged->touch_required) << "both have to waive it";
  EXPECT_EQ(merged->command, "uptime");
  EXPECT_THAT(*merged->permit_open, ElementsAre("db:5432"));
  EXPECT_EQ(merged->certificate->key_id, "id");
  certificate.touch_required = false;
  EXPECT_FALSE(merge_grants(line, certificate)->touch_required);
}

TEST(MergeGrants, ForcedCommandsMustAgree) {
  LoginGrant line;
  line.command = "a";
  LoginGrant certificate;
  EXPECT_EQ(merge_grants(line, certificate)->command, "a");
  certificate.command = "a";
  EXPECT_EQ(merge_grants(line, certificate)->command, "a");
  certificate.command = "b";
  EXPECT_FALSE(merge_grants(line, certificate));
}

}  // namespace
}  // namespace sallyport::auth
