#include "route/login_name.hpp"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::route {
namespace {

TEST(LoginNames, AreSplitAtTheSeparator) {
  EXPECT_EQ(*parse_login_name("alice", "+"), (LoginName{"alice", std::nullopt}));
  EXPECT_EQ(*parse_login_name("alice+web1", "+"), (LoginName{"alice", "web1"}));
  EXPECT_EQ(*parse_login_name("alice%web-1.internal", "%"), (LoginName{"alice", "web-1.internal"}));
  EXPECT_EQ(*parse_login_name("a+b%web1", "%"), (LoginName{"a+b", "web1"}));
}

TEST(LoginNames, FailClosed) {
  for (const char* name : {"", "+", "+web1", "alice+", "alice++", "alice+a+b", "-alice", "alice+-oProxyCommand", "..", "a/../b", "alice+../x",
                           "alice+a/b", "al ice", "alice\n", "alice+web\x1b[2J", "alice+web1:22", "{user}", "al*ce"}) {
    EXPECT_FALSE(parse_login_name(name, "+")) << name;
  }
  EXPECT_FALSE(parse_login_name(std::string("a\0b", 3), "+"));
  EXPECT_FALSE(parse_login_name(std::string(65, 'a'), "+"));
  EXPECT_FALSE(parse_login_name("a+" + std::string(256, 'a'), "+"));
}

TEST(LoginNames, AreNotRepeatedInTheError) {
  const auto login = parse_login_name("xq\x1bqx", "+");
  ASSERT_FALSE(login);
  EXPECT_EQ(login.error().code, Errc::denied);
  EXPECT_EQ(login.error().detail.find("xq"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::route
