#include "child/process/run_program.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child/account/account.hpp"

namespace sallyport::child {
namespace {

using ::testing::HasSubstr;

Result<std::string> run(const std::string& script, RunLimits limits = {}) {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", script};
  return run_program(spec, limits);
}

/// Whether the process has gone, or is only a name in its parent's list.
bool has_ended(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return true;
  return text.find(") Z ") != std::string::npos;
}

/// Waits for the end of a process that has been sent a signal.
bool ends(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  while (!has_ended(pid) && std::chrono::steady_clock::now() < deadline) ::usleep(1000);
  return has_ended(pid);
}

TEST(RunProgram, GivesWhatItPrints) {
  const auto output = run("echo one; echo ignored >&2; echo two");
  ASSERT_TRUE(output) << output.error().detail;
  EXPECT_EQ(*output, "one\ntwo\n");
  EXPECT_EQ(*run("true"), "");
  EXPECT_EQ(*run("cat"), "") << "there is no input";
}

TEST(RunProgram, HasAnEnvironmentFromScratch) {
  ASSERT_EQ(::setenv("SALLYPORT_TEST_SECRET", "x", 1), 0);
  const auto output = run("env");
  ASSERT_TRUE(output);
  EXPECT_THAT(*output, ::testing::Not(HasSubstr("SALLYPORT_TEST_SECRET")));
  EXPECT_THAT(*output, HasSubstr("PATH="));
}

TEST(RunProgram, LargeOutputArrivesWhole) {
  const auto output = run("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->size(), 300000U);
}

TEST(RunProgram, TooMuchOutputIsAnErrorAndEndsIt) {
  EXPECT_EQ(run("exec yes", {.max_output = 1000}).error().code, Errc::limit);
  EXPECT_EQ(run("printf 12345", {.max_output = 4}).error().code, Errc::limit);
  EXPECT_TRUE(run("printf 1234", {.max_output = 4}));
}

TEST(RunProgram, AnotherStatusThanZeroIsAnErrorThatSaysWhy) {
  const auto failed = run("echo out; echo no database >&2; exit 3");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::unavailable);
  EXPECT_EQ(failed.error().detail, "the program ended with status 3: no database");
  EXPECT_EQ(run("kill -9 $$").error().detail, "the program was ended by a signal");
  EXPECT_LT(run("yes | head -c 100000 >&2; exit 1").error().detail.size(), 700U);
}

TEST(RunProgram, AMissingProgramIsAnError) {
  ProcessSpec spec;
  spec.argv = {"/nonexistent/program"};
  EXPECT_FALSE(run_program(spec, {}));
}

TEST(RunProgram, TheTimeOutEndsTheWholeGroup) {
  // The children tell who they are on a file, since no output comes of a program that is ended.
  std::string path = ::testing::TempDir() + "sallyport-run-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  pid_t leader = 0;
  pid_t child = 0;
  // A time-out that was over before there was a group shows nothing: on a busy machine it has to be longer.
  for (auto timeout = std::chrono::milliseconds(100); child == 0; timeout *= 2) {
    ASSERT_LT(timeout, std::chrono::minutes(2));
    const auto failed = run("sleep 600 & echo $$ $! > " + path + "; sleep 600", {.timeout = timeout});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::timeout);
    std::ifstream(path) >> leader >> child;
  }
  EXPECT_TRUE(has_ended(leader));
  EXPECT_TRUE(ends(child));
  ::unlink(path.c_str());
}

TEST(RunProgram, WhatNobodyWaitsForAnyMoreIsEnded) {
  const std::atomic<bool> given_up{true};
  RunLimits limits;
  limits.timeout = std::chrono::minutes(10);
  limits.given_up = &given_up;
  EXPECT_EQ(run("sleep 600", limits).error().code, Errc::closed);
}

TEST(RunProgram, ABackgroundChildHoldsNothingUpAndIsEnded) {
  const auto output = run("sleep 600 & echo $!", {.timeout = std::chrono::minutes(5)});
  ASSERT_TRUE(output) << output.error().detail;
  const auto child = static_cast<pid_t>(std::stol(*output));
  EXPECT_TRUE(ends(child));
}

TEST(FindAccount, TellsUnknownUsersFromKnownOnes) {
  const auto root = find_account("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0U);
  EXPECT_EQ(find_account("no-such-user-here").error().code, Errc::not_found);
}

}  // namespace
}  // namespace sallyport::child
