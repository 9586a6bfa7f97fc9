#include "child/process/signals.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

/// A process that leads a group and waits, as the owner or as we.
class Sleeper {
 public:
  explicit Sleeper(const std::optional<Owner>& owner) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      const bool done = setsid() >= 0 && (!owner || (setgid(owner->gid) == 0 && setuid(owner->uid) == 0));
      if (done && write(ready[1], "", 1) == 1)
        for (;;) pause();
      _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
  }
  ~Sleeper() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  /// What it died of.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t pid_ = 0;
};

std::optional<Owner> account(const char* name) {
  const passwd* const entry = getpwnam(name);
  return entry == nullptr ? std::nullopt : std::optional(Owner{entry->pw_uid, entry->pw_gid});
}

TEST(SignalGroupTest, OursAreSentByUs) {
  Sleeper ours(std::nullopt);
  EXPECT_TRUE(signal_group(ours.pid(), std::nullopt, {SIGTERM}));
  EXPECT_EQ(ours.wait(), SIGTERM);
}

TEST(SignalGroupTest, TheOwnersReachTheOwnersProcesses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has owners";
  const auto nobody = account("nobody");
  Sleeper theirs(nobody);
  EXPECT_TRUE(signal_group(theirs.pid(), nobody, {SIGURG, SIGUSR1}));  // the first is ignored
  EXPECT_EQ(theirs.wait(), SIGUSR1);
}

// As if nobody had run su: what is somebody else's now isn't nobody's to end.
TEST(SignalGroupTest, AndNobodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has owners";
  const auto nobody = account("nobody");
  for (const auto& other : {std::optional<Owner>(), account("daemon")}) {
    Sleeper sleeper(other);
    EXPECT_FALSE(signal_group(sleeper.pid(), nobody, {SIGTERM, SIGKILL}));
    EXPECT_EQ(kill(sleeper.pid(), 0), 0);
    EXPECT_EQ(waitpid(sleeper.pid(), nullptr, WNOHANG), 0);
  }
}

/// Programs of a person's.
class OwnedProcessTest : public ProcessTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || getpwnam("nobody") == nullptr) GTEST_SKIP() << "only root may change the user";
    ProcessTest::SetUp();
  }
  static ProcessSpec as_nobody(const std::string& command) {
    ProcessSpec spec = shell(command);
    spec.user = "nobody";
    spec.login.emplace();
    spec.login->permit_accounts = {"*"};
    return spec;
  }
};

TEST_F(OwnedProcessTest, GetTheirSignals) {
  start(as_nobody("trap 'echo one' USR1; trap 'echo two; exit 3' TERM; echo ready; while :; do sleep 1 & wait; done"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(process_->signal("USR1"));
  ASSERT_TRUE(wait_for_output("one"));
  EXPECT_TRUE(process_->signal("TERM"));
  ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
  EXPECT_EQ(events_.end->status, 3U);
}

TEST_F(OwnedProcessTest, SignalsWaitForTheStart) {
  process_ = launcher_->launch(as_nobody("sleep 60"), events_);
  EXPECT_TRUE(process_->signal("TERM"));
  ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
  EXPECT_EQ(events_.end->signal, "TERM");
}

TEST_F(OwnedProcessTest, AreHungUpAndKilled) {
  use_launcher({.grace = Duration{50}});
  for (const char* command : {"echo ready; sleep 1000", "trap '' HUP; echo ready; while :; do sleep 1; done"}) {
    start(as_nobody(command));
    process_->grant(kPlenty);
    ASSERT_TRUE(wait_for_output("ready"));
    process_.reset();
    EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; })) << command;
  }
}

TEST_F(OwnedProcessTest, ThatEndWhileTheyAreSignalledAreReapedOnce) {
  for (int i = 0; i < 20; ++i) {
    start(as_nobody("read line"));
    EXPECT_TRUE(process_->signal("USR1"));
    process_->end_input();
    ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
    EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
  }
}

TEST_F(OwnedProcessTest, AreEndedWithTheLauncher) {
  start(as_nobody("trap '' HUP TERM; echo ready; while :; do sleep 1; done"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  process_->signal("USR1");
  process_.reset();
  launcher_.reset();
  siginfo_t info{};
  EXPECT_TRUE(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD);
}

/// A shell that stays what its file makes it: root, by whoever it is run. Empty where such files don't work.
std::string setuid_shell(const std::string& folder) {
  const std::string path = folder + "/shell";
  std::error_code error;
  std::filesystem::copy_file("/bin/bash", path, error);
  return !error && chmod(path.c_str(), 04755) == 0 ? path : std::string();
}

TEST_F(OwnedProcessTest, ThatHaveBecomeRootAreNotEndedByUs) {
  char folder[] = "/tmp/sallyport-setuid.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  // For nobody but the one whose program runs it.
  ASSERT_EQ(chown(folder, 0, getpwnam("nobody")->pw_gid), 0);
  ASSERT_EQ(chmod(folder, 0710), 0);
  const std::string shell = setuid_shell(folder);
  use_launcher({.grace = Duration{1}});
  start(as_nobody("exec " + shell +
                  " -p -c 'echo $$; exec setpriv --reuid=0 --regid=0 --clear-groups sh -c \"id -ru; sleep 1000\"'"));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.output.find("\n0\n") != std::string::npos || events_.finished(); }));
  const bool became_root = events_.output.find("\n0\n") != std::string::npos;
  const std::string text = events_.output;
  if (became_root) {
    const pid_t pid = std::stoi(text);
    EXPECT_TRUE(process_->signal("KILL"));
    process_.reset();
    run_for(Duration{200});
    EXPECT_EQ(launcher_->children(), 1U);
    launcher_.reset();  // doesn't wait for it
    EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), 0);
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  std::filesystem::remove_all(folder);
  if (!became_root) GTEST_SKIP() << "set-user-id files don't work in /tmp, or there is no setpriv: " << text << events_.error;
}

}  // namespace
}  // namespace sallyport::child
