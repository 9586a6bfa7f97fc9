// What has to be passed, in which order, and what the client is told in between.
#include "entrance.hpp"

namespace sallyport::entry {
namespace {

struct Chain {
  const char* name;
  Lines methods;  ///< of [auth]
  Lines passes;   ///< what the client passes, in this order
  Lines told;     ///< what may be tried at first, and after each of them
  std::string method;
  bool mfa;
};

class LoginChainTest : public ::testing::WithParamInterface<Chain>, public LoginTest {
 protected:
  LoginChainTest() : LoginTest(entrance_config(GetParam().methods)) {}
};

TEST_P(LoginChainTest, LetsInWhoPassesAllOfIt) {
  const Chain& chain = GetParam();
  begin();
  Lines told{client().take()};
  for (const std::string& method : chain.passes) {
    EXPECT_EQ(admitted(), nullptr);
    pass(method);
    Lines now = client().take();
    if (method != "publickey" && method != "password") now.erase(now.begin());  // the question
    told.insert(told.end(), now.begin(), now.end());
  }
  Lines expected;
  for (const std::string& methods : chain.told) {
    if (!expected.empty()) expected.emplace_back("pass");
    expected.push_back("can continue: " + methods);
    if (expected.size() > 1) std::swap(expected.back(), expected[expected.size() - 2]);
  }
  EXPECT_EQ(told, expected);
  EXPECT_EQ(check().take().back(), "session alice");
  EXPECT_THAT(ends, IsEmpty());

  check().open();
  EXPECT_THAT(client().take(), ElementsAre("accept"));
  client().log_in();
  EXPECT_THAT(ends, ElementsAre("login 1"));
  ASSERT_NE(admitted(), nullptr);
  EXPECT_EQ(admitted()->method, chain.method);
  EXPECT_EQ(admitted()->mfa, chain.mfa);
  EXPECT_EQ(admitted()->user, "alice");
  EXPECT_EQ(admitted()->decision->route().name, "everybody");
  EXPECT_THAT(audit.lines.back(), HasSubstr("method=" + chain.method + " "));
  EXPECT_THAT(audit.lines.back(), HasSubstr(chain.mfa ? " mfa=true" : " mfa=false"));
}

const char* const kKbd = "keyboard-interactive";

INSTANTIATE_TEST_SUITE_P(Chains, LoginChainTest,
                         ::testing::Values(Chain{"Key", {"publickey"}, {"publickey"}, {"publickey"}, "publickey", false},
                                           Chain{"Password", {"password"}, {"password"}, {"password"}, "password", false},
                                           Chain{"Questions", {kKbd}, {kKbd}, {kKbd}, kKbd, false},
                                           Chain{"QuestionsWithACode", {kKbd}, {"code"}, {kKbd}, kKbd, true},
                                           Chain{"KeyAndPassword",
                                                 {"publickey+password"},
                                                 {"publickey", "password"},
                                                 {"publickey", "password"},
                                                 "publickey+password",
                                                 true},
                                           Chain{"PasswordAndQuestions",
                                                 {"password+keyboard-interactive"},
                                                 {"password", kKbd},
                                                 {"password", kKbd},
                                                 "password+keyboard-interactive",
                                                 false},
                                           Chain{"PasswordAndCode",
                                                 {"password+keyboard-interactive"},
                                                 {"password", "code"},
                                                 {"password", kKbd},
                                                 "password+keyboard-interactive",
                                                 true},
                                           Chain{"AllThree",
                                                 {"publickey+password+keyboard-interactive"},
                                                 {"publickey", "password", kKbd},
                                                 {"publickey", "password", kKbd},
                                                 "publickey+password+keyboard-interactive",
                                                 true},
                                           Chain{"OneOfTwo",
                                                 {"publickey+password", "publickey+keyboard-interactive"},
                                                 {"publickey", kKbd},
                                                 {"publickey", "password keyboard-interactive"},
                                                 "publickey+keyboard-interactive",
                                                 true},
                                           Chain{"TheShorterOne",
                                                 {"password+keyboard-interactive", "publickey"},
                                                 {"publickey"},
                                                 {"password publickey"},
                                                 "publickey",
                                                 false}),
                         [](const auto& test) { return test.param.name; });

class LoginOrderTest : public LoginTest {
 protected:
  LoginOrderTest() : LoginTest(entrance_config({"publickey+password"})) {}
};

TEST_F(LoginOrderTest, TheSecondMethodComesSecond) {
  begin();
  client().take();
  client().request(password_of("secret"));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_THAT(check().take(), IsEmpty());
  EXPECT_THAT(line_with("authentication refused"), HasSubstr("method=password reason=\"this method is not allowed now\""));
}

TEST_F(LoginOrderTest, WhatHasBeenPassedIsPassedOnce) {
  begin();
  pass("publickey");
  client().take();
  client().request(signed_by("good"));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_EQ(line_with("passed"), "conn=c1 passed user=alice method=publickey source=192.0.2.1:50000");
}

TEST_F(LoginOrderTest, AWrongSecondMethodLeavesTheFirstPassed) {
  begin();
  pass("publickey");
  client().request(password_of("wrong"));
  check().refuse("wrong password");
  clock.advance(config->auth.failure_delay);
  client().take();
  pass("password");
  check().open();
  EXPECT_THAT(client().take(), ElementsAre("accept"));
}

TEST_F(LoginOrderTest, ThePasswordIsAskedForOnce) {
  reload(entrance_config({"password+keyboard-interactive"}));
  begin();
  pass("password");
  client().request(request_of(kKbd));
  EXPECT_THAT(check().take(), ElementsAre("attempt alice password=secret", "attempt alice but for the password"));
}

TEST_F(LoginOrderTest, UnknownMethodsAndNoneAreRefused) {
  begin();
  client().take();
  client().request(request_of("hostbased"));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_THAT(line_with("authentication refused"), HasSubstr("method=hostbased reason=\"this method is not allowed now\""));
  const std::size_t lines = log.lines().size();
  client().request(request_of("none"));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_EQ(log.lines().size(), lines);
}

TEST_F(LoginOrderTest, NobodyTakesAnotherNameOnTheWay) {
  begin();
  pass("publickey");
  client().take();
  client().request(password_of("secret", "bob"));
  EXPECT_THAT(client().take(), ElementsAre("disconnect 2 change of user name not allowed"));
  EXPECT_THAT(check().take(), ElementsAre("key alice good"));
  client().fail(Errc::protocol, "disconnected");
  EXPECT_THAT(ends, ElementsAre("broken protocol"));
  EXPECT_EQ(admitted(), nullptr);
}

}  // namespace
}  // namespace sallyport::entry
