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
  for (const char* name :
       {"", "+", "+web1", "alice+", "alice++", "alice+a+b", "-alice", "alice+-oProxyCommand", "..", "a/../b", "alice+../x",
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

TEST(LoginNames, FilesLeftBehindAreNoUsers) {
  Config config;
  for (const char* name : {"alice.bak",
                           "alice.BAK",
                           "alice.bak2",
                           "alice.bak.1",
                           "alice.old-2026-01-31",
                           "alice.orig",
                           "alice.save",
                           "alice.save.1",
                           "alice.swp",
                           "alice.tmp",
                           "alice.new",
                           "alice.rej",
                           "alice.dpkg-old",
                           "alice.dpkg-new",
                           "alice.dpkg-dist",
                           "alice.dpkg-tmp",
                           "alice.ucf-old",
                           "alice.ucf-dist",
                           "alice.rpmsave",
                           "alice.rpmnew",
                           "alice.rpmorig",
                           "alice.pacnew",
                           "alice.cfsaved",
                           "alice.cf-before-edit",
                           "alice.disabled",
                           "alice.pub",
                           "a.b.bak",
                           "alice.off"})
    EXPECT_TRUE(is_left_behind(config, name)) << name;
  for (const char* name : {"alice", "bak", "alice.smith", "alice.1", "a.b.c", "alice.bakker", "alice.oldman", "alice-old",
                           "new.alice", "dpkg-old", "alice@corp.new.org", "svc.2026", "README", "a.", "1.2"})
    EXPECT_FALSE(is_left_behind(config, name)) << name;
  config.groups["staff"] = {"jan.bak", "*.old"};
  config.routes.emplace_back().users = {"bob.new"};
  EXPECT_FALSE(is_left_behind(config, "jan.bak"));
  EXPECT_FALSE(is_left_behind(config, "bob.new"));
  EXPECT_TRUE(is_left_behind(config, "jan.old")) << "a glob names nobody";
}

}  // namespace
}  // namespace sallyport::route
