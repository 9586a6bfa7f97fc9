// Who may log in on the bastion, and that what a login is given holds for the program.
#include "child/account/local_login.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class LocalLoginTest : public ProcessTest {
 protected:
  LocalLoginTest() {
    // Not below /tmp, which everybody may write and which therefore holds no chroot.
    std::string name = (geteuid() == 0 ? "/root/" : fs::temp_directory_path().string() + "/") + "sallyport-login-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~LocalLoginTest() override { fs::remove_all(folder_); }

  static LocalLogin anybody() {
    LocalLogin login;
    login.permit_accounts = {"*", "root"};
    return login;
  }
  /// What the shell command prints, as `user`.
  std::string run_as(const std::string& user, LocalLogin login, const std::string& command) {
    ProcessSpec spec = shell(command);
    spec.user = user;
    spec.login = std::move(login);
    run(std::move(spec));
    return events_.output;
  }
  std::optional<Error> failure_of(const std::string& user, LocalLogin login) {
    ProcessSpec spec = shell(":");
    spec.user = user;
    spec.login = std::move(login);
    events_ = Recorder{};
    process_ = launcher_->launch(std::move(spec), events_);
    EXPECT_TRUE(run_until([&] { return events_.started || events_.failure; }));
    return events_.failure;
  }
  fs::path folder_;
};

TEST(CheckAccount, OnlyPermittedAccountsAndRootOnlyByName) {
  Account account;
  account.name = "web-1";
  account.uid = 1001;
  LocalLogin login;
  const auto allowed = [&] { return static_cast<bool>(check_account(account, login, "/nonexistent/nologin")); };
  EXPECT_FALSE(allowed());
  login.permit_accounts = {"web-*"};
  EXPECT_TRUE(allowed());
  account.uid = 0;  // by another name
  EXPECT_FALSE(allowed());
  login.permit_accounts = {"*"};
  EXPECT_FALSE(allowed());
  login.permit_accounts = {"root", "web-*"};
  EXPECT_TRUE(allowed());
}

TEST_F(LocalLoginTest, ANologinFileKeepsOutAllButRoot) {
  const std::string file = folder_ / "nologin";
  Account account;
  account.name = "someone";
  account.uid = 1001;
  EXPECT_TRUE(check_account(account, anybody(), file));
  std::ofstream(file) << "back at noon";
  const auto kept_out = check_account(account, anybody(), file);
  ASSERT_FALSE(kept_out);
  EXPECT_EQ(kept_out.error().code, Errc::unavailable);
  EXPECT_THAT(kept_out.error().detail, HasSubstr("back at noon"));
  account.uid = 0;
  EXPECT_TRUE(check_account(account, anybody(), file));
}

TEST(CheckAccount, AnotherAccountNeedsAShellThatIsThere) {
  Account account;
  account.name = "someone";
  account.uid = 1001;
  account.other = true;
  LocalLogin login;
  login.permit_accounts = {"*"};
  for (const char* shell : {"/nonexistent/shell", "/etc/passwd", "/etc"}) {
    account.shell = shell;
    const auto refused = check_account(account, login, "/nonexistent/nologin");
    ASSERT_FALSE(refused) << shell;
    EXPECT_EQ(refused.error().code, Errc::denied);
    login.chroot = "/srv";
    EXPECT_TRUE(check_account(account, login, "/nonexistent/nologin")) << "its shell is in there";
    login.chroot.clear();
  }
  account.shell = "/bin/sh";
  EXPECT_TRUE(check_account(account, login, "/nonexistent/nologin"));
}

TEST(ResourceLimits, AreReadByName) {
  const auto limits = resource_limits({{"nofile", "256"}, {"core", "0"}, {"cpu", "unlimited"}});
  ASSERT_TRUE(limits);
  ASSERT_EQ(limits->size(), 3u);
  EXPECT_EQ((*limits)[0].resource, RLIMIT_CORE);
  EXPECT_EQ((*limits)[1].value.rlim_cur, RLIM_INFINITY);
  EXPECT_EQ((*limits)[2].value.rlim_max, 256u);
  EXPECT_FALSE(resource_limits({{"nofiles", "1"}}));
  EXPECT_FALSE(resource_limits({{"nofile", "1k"}}));
}

TEST_F(LocalLoginTest, LimitsAndUmaskAndNoNewPrivilegesHold) {
  LocalLogin login = anybody();
  login.limits = {{"nofile", "64"}, {"core", "0"}};
  login.umask = 027;
  login.no_new_privs = true;
  EXPECT_EQ(run_as("", login, "ulimit -Sn; ulimit -Hn; ulimit -c; umask; grep NoNewPrivs /proc/self/status"),
            "64\n64\n0\n0027\nNoNewPrivs:\t1\n");
  EXPECT_EQ(run_as("", anybody(), "umask; grep NoNewPrivs /proc/self/status"), "0022\nNoNewPrivs:\t0\n");
}

TEST_F(LocalLoginTest, TheSuperuserIsRefusedUnlessItIsNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root could be root";
  LocalLogin login;
  login.permit_accounts = {"*"};
  for (const char* user : {"", "root"}) {
    const auto failure = failure_of(user, login);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, Errc::denied);
  }
  EXPECT_EQ(run_as("nobody", login, "id -un"), "nobody\n");
}

TEST_F(LocalLoginTest, WhatTakesRootIsRefusedWithoutIt) {
  if (geteuid() == 0) GTEST_SKIP() << "root may do it";
  LocalLogin login = anybody();
  login.chroot = "/";
  EXPECT_THAT(failure_of("", login)->detail, HasSubstr("only a daemon that runs as root"));
  login = anybody();
  login.groups = {"tty"};
  EXPECT_THAT(failure_of("", login)->detail, HasSubstr("only a daemon that runs as root"));
  login = anybody();
  login.limits = {{"nice", "unlimited"}, {"rtprio", "99"}};
  EXPECT_THAT(failure_of("", login)->detail, HasSubstr("set a limit"));
}

TEST_F(LocalLoginTest, FurtherGroupsComeBesideTheAccountsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may set groups";
  LocalLogin login = anybody();
  login.groups = {"tty", "daemon"};
  const std::string groups = " " + run_as("nobody", login, "id -Gn | tr '\\n' ' '");
  for (const char* group : {" nogroup ", " tty ", " daemon "}) EXPECT_THAT(groups, HasSubstr(group));
  EXPECT_THAT(" " + run_as("", login, "id -Gn | tr '\\n' ' '"), HasSubstr(" tty "));
  login.groups = {"no-such-group"};
  EXPECT_EQ(failure_of("nobody", login)->code, Errc::not_found);
}

TEST_F(LocalLoginTest, AChrootMustBeRootsAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can";
  const Account account;
  LocalLogin login;
  const auto refusal = [&](const fs::path& path) {
    login.chroot = path;
    const auto root = chroot_of(login, account);
    return root ? std::string() : root.error().detail;
  };
  fs::create_directories(folder_ / "jail" / "deep");
  EXPECT_EQ(refusal(folder_ / "jail" / "deep"), "");
  EXPECT_THAT(refusal("jail"), HasSubstr("not an absolute path"));
  EXPECT_THAT(refusal(folder_ / "none"), HasSubstr("no such file"));
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THAT(refusal(folder_ / "file"), HasSubstr("is not a folder"));
  fs::permissions(folder_ / "jail", fs::perms::group_write, fs::perm_options::add);
  EXPECT_THAT(refusal(folder_ / "jail" / "deep"), HasSubstr("must be owned by root"));
  fs::permissions(folder_ / "jail", fs::perms::group_write, fs::perm_options::remove);
  ASSERT_EQ(chown((folder_ / "jail").c_str(), 65534, 0), 0);
  EXPECT_THAT(refusal(folder_ / "jail"), HasSubstr("must be owned by root"));
}

TEST_F(LocalLoginTest, TheProgramRunsInItsChrootAndAsItsAccount) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can";
  const fs::path jail = folder_ / "jail";
  fs::permissions(folder_, fs::perms(0755));
  // A shell and what it is linked with.
  FILE* listed = popen("echo /bin/sh; ldd /bin/sh | grep -o '/[^ ]*'", "r");
  ASSERT_NE(listed, nullptr);
  char line[4096];
  while (fgets(line, sizeof line, listed) != nullptr) {
    const std::string file(line, std::string_view(line).find('\n'));
    fs::create_directories((jail / file.substr(1)).parent_path());
    fs::copy_file(fs::canonical(file), jail / file.substr(1), fs::copy_options::overwrite_existing);
  }
  pclose(listed);
  ProcessSpec spec = shell("pwd; echo /bin/*; echo $HOME; cd /root || echo outside");
  spec.user = "nobody";
  spec.login = anybody();
  spec.login->chroot = jail;
  run(std::move(spec));
  EXPECT_THAT(events_.output, HasSubstr("/\n/bin/sh\n")) << events_.error;
  EXPECT_THAT(events_.output, HasSubstr("outside\n"));
  EXPECT_THAT(events_.error, ::testing::Not(HasSubstr("Could not chdir")));
}

TEST_F(LocalLoginTest, LoginsWithATerminalAreRecordedWhenAskedTo) {
  const LoginFiles files{folder_ / "utmp", folder_ / "wtmp", folder_ / "lastlog"};
  for (const std::string& file : {files.utmp, files.wtmp, files.lastlog}) std::ofstream{file};
  LocalLauncher::Options options;
  options.login_files = files;
  use_launcher(options);
  const auto count = [&] { return fs::file_size(files.wtmp) / sizeof(utmpx); };
  ProcessSpec spec = shell_on_terminal("tty");
  spec.login = anybody();
  run(spec);
  process_.reset();
  EXPECT_EQ(count(), 0u) << "nobody asked";
  spec.login->record_login = true;
  spec.login->source = "192.0.2.7";
  run(spec);
  ASSERT_EQ(count(), 1u);
  process_.reset();
  EXPECT_TRUE(run_until([&] { return count() == 2; }));
  std::ifstream wtmp(files.wtmp, std::ios::binary);
  utmpx entries[2]{};
  wtmp.read(reinterpret_cast<char*>(entries), sizeof entries);
  EXPECT_EQ(entries[0].ut_type, USER_PROCESS);
  EXPECT_EQ(entries[1].ut_type, DEAD_PROCESS);
  EXPECT_STREQ(entries[0].ut_host, "192.0.2.7");
  EXPECT_THAT(std::string(entries[0].ut_line), ::testing::StartsWith("pts/"));
  EXPECT_STREQ(entries[0].ut_line, entries[1].ut_line);
  EXPECT_GT(fs::file_size(files.lastlog), 0u);
  ProcessSpec plain = shell(":");
  plain.login = spec.login;
  run(std::move(plain));
  EXPECT_EQ(count(), 2u) << "without a terminal there is nothing to show";
}

}  // namespace
}  // namespace sallyport::child
