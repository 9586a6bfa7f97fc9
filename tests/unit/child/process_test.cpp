#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

#include "child/account/account.hpp"
#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

TEST_F(ProcessTest, KeepsTheStreamsApart) {
  run(shell("echo out; echo err >&2"));
  EXPECT_EQ(events_.output, "out\n");
  // Not all of it: an account whose home folder is missing gets a message first.
  EXPECT_TRUE(events_.error.ends_with("err\n")) << events_.error;
  EXPECT_EQ(events_.ends, 1);
}

TEST_F(ProcessTest, SendsInputAndItsEnd) {
  start(shell("cat; echo over"));
  process_->grant(kPlenty);
  process_->write(bytes_of("hello\n"));
  ASSERT_TRUE(wait_for_output("hello\n"));
  EXPECT_EQ(events_.taken, 6U);
  EXPECT_EQ(events_.ends, 0);
  process_->write(bytes_of("again\n"));
  process_->end_input();
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.output, "hello\nagain\nover\n");
}

TEST_F(ProcessTest, TakesInputAndItsEndBeforeTheStart) {
  process_ = launcher_->launch(shell("cat"), events_);
  process_->write(bytes_of("early"));
  process_->end_input();
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.output, "early");
  EXPECT_EQ(events_.end->status, 0U);
}

TEST_F(ProcessTest, ReadsOnAfterInputHasEnded) {
  start(shell("cat >/dev/null; echo after"));
  process_->grant(kPlenty);
  process_->end_input();
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.output, "after\n");
}

TEST_F(ProcessTest, TakesInputAfterOutputHasEnded) {
  start(shell("exec >&- 2>&-; read line; test \"$line\" = go && exit 7"));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.ends == 1; }));
  EXPECT_FALSE(events_.end);
  process_->write(bytes_of("go\n"));
  ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
  EXPECT_EQ(events_.end->status, 7U);
}

TEST_F(ProcessTest, DropsInputThatNobodyReads) {
  start(shell("exec <&-; sleep 60"));
  const std::string much(300'000, 'x');
  process_->write(bytes_of(much));
  EXPECT_TRUE(run_until([&] { return events_.taken == much.size(); }));
  process_->write(bytes_of("more"));
  EXPECT_TRUE(run_until([&] { return events_.taken == much.size() + 4; }));
  EXPECT_FALSE(events_.end);
}

TEST_F(ProcessTest, TellsInputAsItIsTaken) {
  start(shell("read line; cat | wc -c"));
  const std::string much(1'000'000, 'x');
  process_->write(bytes_of(much));  // no line yet: the pipe fills and stays full
  run_for(Duration{20});
  EXPECT_LT(events_.taken, much.size());
  process_->write(bytes_of("\n" + much));
  process_->end_input();
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.taken, 2 * much.size() + 1);
  EXPECT_EQ(std::stoul(events_.output), much.size());
}

TEST_F(ProcessTest, ReadsNoMoreThanWasGranted) {
  start(shell("exec yes"));
  const auto received = [&] { return events_.output.size() + events_.error.size(); };
  run_for(Duration{20});
  EXPECT_EQ(received(), 0U);
  process_->grant(100'001);
  ASSERT_TRUE(run_until([&] { return received() >= 100'001; }));
  run_for(Duration{20});
  EXPECT_EQ(received(), 100'001U);
  process_->grant(1);
  EXPECT_TRUE(run_until([&] { return received() == 100'002; }));
}

TEST_F(ProcessTest, CreditCoversBothStreams) {
  start(shell("yes >&2 & exec yes"));
  process_->grant(50'000);
  ASSERT_TRUE(run_until([&] { return events_.output.size() + events_.error.size() >= 50'000; }));
  run_for(Duration{20});
  EXPECT_EQ(events_.output.size() + events_.error.size(), 50'000U);
}

TEST_F(ProcessTest, GivesExactlyTheEnvironmentThatWasAsked) {
  ProcessSpec spec;
  spec.argv = {"/usr/bin/env"};
  spec.environment = {{"LANG", "C.UTF-8"}, {"LC_X", "one"}, {"LC_X", "two"}, {"HOME", "/tmp"}, {"BAD=NAME", "x"}};
  ASSERT_EQ(setenv("SALLYPORT_SECRET", "of the daemon", 1), 0);
  run(std::move(spec));
  std::map<std::string, std::string> seen;
  std::istringstream lines{events_.output};
  for (std::string line; std::getline(lines, line);) seen[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  EXPECT_EQ(seen["LANG"], "C.UTF-8");
  EXPECT_EQ(seen["LC_X"], "two");
  EXPECT_EQ(seen["HOME"], "/tmp");
  std::string names;
  for (const auto& [name, value] : seen) names += name + " ";
  EXPECT_EQ(names, "HOME LANG LC_X LOGNAME PATH SHELL USER ");
}

TEST_F(ProcessTest, GivesNoDescriptorButStdio) {
  const int leaky = open("/dev/zero", O_RDONLY);  // not close-on-exec, as a careless library would have it
  ASSERT_GE(leaky, 0);
  ProcessSpec spec;
  spec.argv = {"/bin/ls", "/proc/self/fd"};
  run(std::move(spec));
  EXPECT_EQ(events_.output, "0\n1\n2\n3\n");  // 3 is ls's own
  close(leaky);
}

TEST_F(ProcessTest, MayOpenAsManyDescriptorsAsConfigured) {
  use_launcher({.inherited = {.descriptors = 123, .core = std::nullopt}});
  run(shell("ulimit -Sn"));
  EXPECT_EQ(events_.output, "123\n");
}

TEST_F(ProcessTest, StartsInTheHomeFolderWithPlainSignalsAndUmask) {
  const auto account = look_up_account("");
  ASSERT_TRUE(account);
  if (access(account->home.c_str(), X_OK) != 0) GTEST_SKIP() << "this user has no home folder";
  run(shell("test \"$(pwd -P)\" = \"$(cd \"$HOME\" && pwd -P)\" && umask && grep -E 'Sig(Blk|Ign)' /proc/self/status"));
  EXPECT_EQ(events_.output, "0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ProcessTest, LoginShellHasADashInItsName) {
  ProcessSpec spec = shell("echo $0");
  spec.argv0 = "-sh";
  run(std::move(spec));
  EXPECT_EQ(events_.output, "-sh\n");
}

TEST_F(ProcessTest, MayBeDestroyedByAnyOfItsEvents) {
  struct Suicide final : ProcessEvents {
    void on_started() override { at("started"); }
    void on_failed(const Error&) override { at("failed"); }
    void on_output(OutputStream, ByteView) override { at("output"); }
    void on_output_end() override { at("output end"); }
    void on_input_taken(std::size_t) override { at("input taken"); }
    void on_exit(const ProcessEnd&) override { at("exit"); }
    void at(const std::string& event) {
      if (event == when) process.reset();
    }
    std::string when;
    std::unique_ptr<Process> process;
  };
  for (const char* when : {"started", "failed", "output", "output end", "input taken", "exit"}) {
    for (const bool terminal : {false, true}) {
      Suicide events;
      events.when = when;
      ProcessSpec spec = terminal ? shell_on_terminal("read line; echo out") : shell("read line; echo out");
      if (events.when == "failed") spec.argv[0] = "/no/such/program";
      events.process = launcher_->launch(std::move(spec), events);
      events.process->grant(kPlenty);
      events.process->write(bytes_of("x\n"));
      EXPECT_TRUE(run_until([&] { return events.process == nullptr; })) << when << (terminal ? " on a terminal" : "");
    }
  }
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
}

}  // namespace
}  // namespace sallyport::child
