#include "child/process/beside.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "child/process/spawn.hpp"

namespace sallyport::child {
namespace {

bool no_child_left() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

TEST(BesideTest, IsAProcessOfItsOwnWithOurMemory) {
  struct Seen {
    pid_t pid = 0;
    unsigned char mark = 0;
  } seen;
  auto* const where = &seen;
  const auto main = [](const void* plan, int) SALLYPORT_BESIDE {
    Seen& child = **static_cast<Seen* const*>(plan);
    child.pid = static_cast<pid_t>(syscall(SYS_getpid));
    child.mark = 42;
    end_beside(0);
  };
  ASSERT_TRUE(finish_beside(main, &where, "look"));
#ifndef __SANITIZE_THREAD__
  // No memory was copied for it, however much there is.
  EXPECT_EQ(seen.mark, 42);
  EXPECT_NE(seen.pid, getpid());
#endif
  EXPECT_TRUE(no_child_left());
}

TEST(BesideTest, TellsWhatWentWrong) {
  const auto main = [](const void*, int report) SALLYPORT_BESIDE { fail_beside(report, ChildStep::path, ENOENT); };
  const auto outcome = finish_beside(main, nullptr, "look");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::not_found) << outcome.error().detail;
  const auto dies = [](const void*, int) SALLYPORT_BESIDE { end_beside(1); };
  EXPECT_FALSE(finish_beside(dies, nullptr, "look"));
  const auto killed = [](const void*, int) SALLYPORT_BESIDE { syscall(SYS_kill, syscall(SYS_getpid), SIGKILL); };
  EXPECT_FALSE(finish_beside(killed, nullptr, "look"));
  EXPECT_TRUE(no_child_left());
}

// Its user may stop it, and would have a thread of ours for as long as he likes.
TEST(BesideTest, IsKilledWhenItIsStopped) {
  const auto main = [](const void*, int) SALLYPORT_BESIDE { syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP); };
  const auto outcome = run_beside(main, nullptr, std::chrono::hours(1));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::denied) << outcome.error().detail;
  EXPECT_TRUE(no_child_left());
}

TEST(BesideTest, IsKilledWhenItTakesTooLong) {
  const auto main = [](const void*, int) SALLYPORT_BESIDE {
    for (;;) syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  };
  const auto outcome = run_beside(main, nullptr, Duration(1));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::timeout) << outcome.error().detail;
  EXPECT_TRUE(no_child_left());
}

volatile std::sig_atomic_t handled = 0;

TEST(BesideTest, LeavesOurSignalsAlone) {
  struct sigaction ours {};
  ours.sa_handler = [](int) { handled = handled + 1; };
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGUSR2, &ours, &before), 0);
  sigset_t mask_before;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", "kill -USR2 $$; exit 9"};  // in there it ends the program
  auto spawned = spawn(spec, {});
  ASSERT_TRUE(spawned) << spawned.error().detail;
  int status = 0;
  ASSERT_EQ(waitpid(spawned->adopt(), &status, 0) > 0, true);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2) << status;
  sigset_t mask_after;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  for (int number = 1; number < NSIG; ++number)
    EXPECT_EQ(sigismember(&mask_before, number), sigismember(&mask_after, number)) << number;
  ASSERT_EQ(raise(SIGUSR2), 0);
  EXPECT_EQ(handled, 1);
  sigaction(SIGUSR2, &before, nullptr);
}

TEST(BesideTest, ManyAtATimeBesideAHeapInUse) {
  std::atomic<bool> over = false;
  std::atomic<int> failures = 0;
  std::thread heap([&over] {
    while (!over) {
      std::vector<std::unique_ptr<char[]>> blocks;
      for (std::size_t size = 16; size < 300'000; size *= 3) blocks.push_back(std::make_unique<char[]>(size));
    }
  });
  std::vector<std::thread> starters;
  for (int thread = 0; thread < 4; ++thread) {
    starters.emplace_back([&failures] {
      for (int i = 0; i < 25; ++i) {
        ProcessSpec spec;
        spec.argv = {i % 5 == 0 ? "/no/such/program" : "/bin/true"};
        auto spawned = spawn(spec, {});
        if (static_cast<bool>(spawned) != (i % 5 != 0)) ++failures;
        int status = 0;
        if (spawned && (waitpid(spawned->adopt(), &status, 0) <= 0 || status != 0)) ++failures;
      }
    });
  }
  for (std::thread& starter : starters) starter.join();
  over = true;
  heap.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(no_child_left());
}

// While it has the account, it has the daemon's memory too: nobody else of that account may look.
TEST(BesideTest, TheAccountCantLookIntoTheMemory) {
  if (geteuid() != 0 || getpwnam("nobody") == nullptr) GTEST_SKIP() << "only root has an account to change to";
  const int before = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  const Identity who{getpwnam("nobody")->pw_uid, getpwnam("nobody")->pw_gid, nullptr, 0};
  struct Plan {
    Identity who;
    int dumpable = -1;
    long permission = 0;
  } plan{who};
  Plan* const where = &plan;
  const auto main = [](const void* argument, int report) SALLYPORT_BESIDE {
    Plan& child = **static_cast<Plan* const*>(argument);
    take_identity(child.who, report);
    child.dumpable = static_cast<int>(syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0));
    if (child.dumpable != 0) fail_beside(report, ChildStep::privileges, EPERM);
    // Another process of the account, before its own exec, is no better off than one after it: it may not attach.
    const auto other = static_cast<int>(syscall(SYS_getppid));
    child.permission = syscall(SYS_ptrace, PTRACE_SEIZE, other, 0, 0);
    if (child.permission == 0) fail_beside(report, ChildStep::privileges, EPERM);
    end_beside(0);
  };
  const auto outcome = finish_beside(main, &where, "look");
  EXPECT_TRUE(outcome) << outcome.error().detail;
#ifndef __SANITIZE_THREAD__
  EXPECT_EQ(plan.dumpable, 0);
#endif
  prctl(PR_SET_DUMPABLE, before, 0, 0, 0);
}

TEST(BesideTest, ProgramsGetTheirCoreLimitBack) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", "test \"$(ulimit -S -c)\" = 7"};
  rlimit ours{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &ours), 0);
  if (ours.rlim_max < 7 * 512) GTEST_SKIP() << "no core files here";
  for (const std::optional<rlimit>& core : {std::optional<rlimit>({7 * 512, ours.rlim_max}), std::optional<rlimit>()}) {
    auto spawned = spawn(spec, {.descriptors = 0, .core = core});
    ASSERT_TRUE(spawned) << spawned.error().detail;
    int status = 0;
    ASSERT_GT(waitpid(spawned->adopt(), &status, 0), 0);
    EXPECT_EQ(status == 0, core.has_value());
  }
}

}  // namespace
}  // namespace sallyport::child
