#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "child/process/signals.hpp"
#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

// True when no process has that id; a zombie counts as one.
bool gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

// An orphan's reaping is init's business, and a container's init may be slow: dead is enough.
bool dead(pid_t pid) {
  std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  return !std::getline(stat, line) || line.substr(line.rfind(')') + 2, 1) == "Z";
}

bool no_child_left() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

TEST_F(ProcessTest, TellsTheExitStatus) {
  for (const unsigned status : {0U, 1U, 255U}) {
    run(shell("exit " + std::to_string(status)));
    ASSERT_TRUE(events_.end);
    EXPECT_EQ(events_.end->status, status);
    EXPECT_EQ(events_.end->signal, "");
  }
}

TEST_F(ProcessTest, TellsTheSignal) {
  for (const char* name : {"TERM", "KILL", "USR1", "HUP"}) {
    run(shell("kill -" + std::string{name} + " $$"));
    ASSERT_TRUE(events_.end);
    EXPECT_EQ(events_.end->signal, name);
    EXPECT_FALSE(events_.end->core_dumped);
  }
  run(shell("kill -BUS $$"));
  EXPECT_EQ(events_.end->signal, "SIG@openssh.com");
}

TEST(EndFromStatusTest, SeesTheCoreDumpFlag) {
  const ProcessEnd end = end_from_status(SIGSEGV | 0x80);
  EXPECT_EQ(end.signal, "SEGV");
  EXPECT_TRUE(end.core_dumped);
  EXPECT_FALSE(end_from_status(SIGSEGV).core_dumped);
}

TEST_F(ProcessTest, AMissingProgramFailsAndLeavesNothing) {
  ProcessSpec spec;
  spec.argv = {"/no/such/program"};
  process_ = launcher_->launch(std::move(spec), events_);
  ASSERT_TRUE(run_until([&] { return events_.failure.has_value(); }));
  EXPECT_EQ(events_.failure->code, Errc::not_found) << events_.failure->detail;
  EXPECT_FALSE(events_.started);
  EXPECT_EQ(launcher_->children(), 0U);
  EXPECT_TRUE(no_child_left());
}

TEST_F(ProcessTest, SignalsReachTheWholeGroup) {
  start(
      shell("trap 'echo parent; exit 3' TERM; (trap 'echo child; exit' TERM; echo ready; while :; do sleep 1; done) & "
            "wait; wait"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  EXPECT_FALSE(process_->signal("SIGTERM"));
  EXPECT_FALSE(process_->signal("WINCH"));
  EXPECT_TRUE(process_->signal("TERM"));
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_NE(events_.output.find("parent"), std::string::npos);
  EXPECT_NE(events_.output.find("child"), std::string::npos);
}

TEST_F(ProcessTest, SignalsWaitForTheStart) {
  process_ = launcher_->launch(shell("sleep 60"), events_);
  EXPECT_TRUE(process_->signal("TERM"));
  ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
  EXPECT_EQ(events_.end->signal, "TERM");
}

TEST_F(ProcessTest, OutputGoesOnWhileTheBackgroundHoldsThePipe) {
  start(shell("(read line; echo late) <&0 & exec 0<&- && exit 5"));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.end.has_value(); }));
  EXPECT_EQ(events_.end->status, 5U);
  ASSERT_TRUE(run_until([&] { return events_.ends == 1; }));  // its input ended with the program: read fails
  EXPECT_EQ(events_.output, "late\n");
}

TEST_F(ProcessTest, HangsUpTheGroupWithItsBackground) {
  start(shell("sleep 1000 & echo $!; echo $$; wait"));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return std::count(events_.output.begin(), events_.output.end(), '\n') == 2; }));
  const pid_t background = std::stoi(events_.output);
  const pid_t leader = std::stoi(events_.output.substr(events_.output.find('\n')));
  process_.reset();
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
  EXPECT_TRUE(gone(leader));
  while (!dead(background)) run_for(Duration{1});  // ctest's time-out bounds it
}

TEST_F(ProcessTest, KillsWhatIgnoresTheHangUp) {
  use_launcher({.grace = Duration{50}});
  start(shell("trap '' HUP; echo ready; while :; do sleep 1; done"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  process_.reset();
  EXPECT_EQ(launcher_->children(), 1U);
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
  EXPECT_TRUE(no_child_left());
}

TEST_F(ProcessTest, GivingUpDuringTheStartLeavesNothing) {
  for (int i = 0; i < 20; ++i) {
    auto process = launcher_->launch(shell("sleep 1000"), events_);
    if (i % 2 == 0) loop_.post([] {});
    process.reset();
  }
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
  EXPECT_FALSE(events_.started);
  EXPECT_TRUE(no_child_left());
}

TEST_F(ProcessTest, TheLaunchersEndLeavesNothing) {
  start(shell("trap '' HUP TERM; sleep 1000"));
  process_.reset();
  auto starting = launcher_->launch(shell("sleep 1000"), events_);
  starting.reset();
  launcher_.reset();
  loop_.run_dry();  // the start under way is in the thread pool
  EXPECT_TRUE(no_child_left());
}

TEST_F(ProcessTest, FiveHundredInARowLeaveNothing) {
  run(shell(":"));
  process_.reset();
  loop_.run_dry();
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 500; ++i) {
    ProcessSpec spec;
    spec.argv = {i % 50 == 0 ? "/no/such/program" : "/bin/true"};
    if (i % 5 == 1) spec.pty = PtyRequest{"vt100", {80, 24, 0, 0}, {}};
    events_ = Recorder{};
    process_ = launcher_->launch(std::move(spec), events_);
    process_->grant(kPlenty);
    ASSERT_TRUE(run_until([&] { return events_.finished(); })) << i;
  }
  process_.reset();
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
  loop_.run_dry();
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(no_child_left());
}

TEST_F(ProcessTest, WorksWithoutPidfds) {
  use_launcher({.use_pidfd = false});
  for (int i = 0; i < 20; ++i) {
    run(shell("exit 9"));
    EXPECT_EQ(events_.end->status, 9U);
  }
  EXPECT_TRUE(no_child_left());
}

/// Makes a mistake in the event of that name.
struct Blunderer final : ProcessEvents {
  explicit Blunderer(std::string event) : where(std::move(event)) {}
  void note(const std::string& event) {
    told.push_back(event);
    if (event == where) throw std::runtime_error("a mistake");
  }
  void on_started() override { note("started"); }
  void on_failed(const Error&) override { note("failed"); }
  void on_output(OutputStream, ByteView) override { note("output"); }
  void on_output_end() override { note("output_end"); }
  void on_input_taken(std::size_t) override { note("input_taken"); }
  void on_exit(const ProcessEnd&) override { note("exit"); }

  const std::string where;
  std::vector<std::string> told;
};

TEST_F(ProcessTest, AMistakeInAnEventEndsThatProcessAlone) {
  std::vector<std::string> stopped;
  loop_.on_exception([&stopped](const Error& why) { stopped.push_back(why.detail); });
  for (const char* where : {"started", "output", "input_taken", "output_end", "exit"}) {
    stopped.clear();
    Blunderer events(where);
    auto process = launcher_->launch(shell("cat; exit 3"), events);
    process->grant(1000);
    process->write(bytes_of("x"));
    process->end_input();
    EXPECT_TRUE(run_until([&stopped] { return !stopped.empty(); })) << where;
    process.reset();
    EXPECT_TRUE(run_until([this] { return launcher_->children() == 0; })) << where;
    EXPECT_EQ(stopped, std::vector<std::string>{"an exception: a mistake"}) << where;
    EXPECT_LE(std::count(events.told.begin(), events.told.end(), "failed"), 1) << where;
  }
}

}  // namespace
}  // namespace sallyport::child
