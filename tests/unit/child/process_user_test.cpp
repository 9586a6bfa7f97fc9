#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <string>

#include "child/account/account.hpp"
#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

TEST_F(ProcessTest, RefusesAnUnknownUser) {
  ProcessSpec spec = shell(":");
  spec.user = "no-such-user";
  process_ = launcher_->launch(std::move(spec), events_);
  ASSERT_TRUE(run_until([&] { return events_.failure.has_value(); }));
  EXPECT_EQ(events_.failure->code, Errc::not_found);
}

TEST_F(ProcessTest, RefusesAnotherUserWithoutPrivileges) {
  if (geteuid() == 0) GTEST_SKIP() << "root may change the user";
  ProcessSpec spec = shell(":");
  spec.user = "root";
  process_ = launcher_->launch(std::move(spec), events_);
  ASSERT_TRUE(run_until([&] { return events_.failure.has_value(); }));
  EXPECT_EQ(events_.failure->code, Errc::denied);
}

TEST_F(ProcessTest, BecomesAnotherUserForGood) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  if (getpwnam("nobody") == nullptr) GTEST_SKIP() << "no user nobody";
  ProcessSpec spec = shell("id -un; grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status; echo $USER $LOGNAME; pwd");
  spec.user = "nobody";
  run(std::move(spec));
  const std::string uid = std::to_string(getpwnam("nobody")->pw_uid);
  const std::string gid = std::to_string(getpwnam("nobody")->pw_gid);
  const auto says = [&](const std::string& text) { return events_.output.find(text) != std::string::npos; };
  EXPECT_TRUE(says("nobody\n")) << events_.output;
  EXPECT_TRUE(says("Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid)) << events_.output;
  EXPECT_TRUE(says("Gid:\t" + gid + "\t" + gid + "\t" + gid + "\t" + gid)) << events_.output;
  EXPECT_TRUE(says("Groups:\t" + gid + " \n")) << events_.output;
  EXPECT_TRUE(says("CapEff:\t0000000000000000")) << events_.output;
  EXPECT_TRUE(says("nobody nobody\n")) << events_.output;
  // nobody's home folder isn't there on Debian: sshd's message, and the root folder.
  if (access(getpwnam("nobody")->pw_dir, F_OK) != 0) {
    EXPECT_TRUE(says("\n/\n")) << events_.output;
    EXPECT_NE(events_.error.find("Could not chdir to home directory"), std::string::npos);
  }
}

TEST_F(ProcessTest, GivesTheTerminalToItsUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  if (getpwnam("nobody") == nullptr) GTEST_SKIP() << "no user nobody";
  ProcessSpec spec = shell_on_terminal("stat -c '%U %G %a' $(tty); echo > $(tty) && echo fine");
  spec.user = "nobody";
  run(std::move(spec));
  EXPECT_NE(events_.output.find("nobody tty 620"), std::string::npos) << events_.output;
  EXPECT_NE(events_.output.find("fine"), std::string::npos) << events_.output;
}

TEST(AccountTest, TheDaemonsOwnNeedsNoChange) {
  const auto own = look_up_account("");
  ASSERT_TRUE(own);
  EXPECT_FALSE(own->other);
  EXPECT_EQ(own->uid, geteuid());
  EXPECT_FALSE(own->shell.empty());
  const auto named = look_up_account(own->name);
  ASSERT_TRUE(named);
  EXPECT_FALSE(named->other);
}

}  // namespace
}  // namespace sallyport::child
