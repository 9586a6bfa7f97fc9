#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

TEST_F(ProcessTest, HasAControllingTerminal) {
  run(shell_on_terminal("test \"$(tty)\" = \"$SSH_TTY\" && echo $TERM; echo via >/dev/tty; ps -o tty= -p $$ 2>/dev/null || :"));
  EXPECT_NE(events_.output.find("vt100\r\n"), std::string::npos) << events_.output;
  EXPECT_NE(events_.output.find("via\r\n"), std::string::npos) << events_.output;
  EXPECT_EQ(events_.error, "");
  EXPECT_EQ(events_.ends, 1);
}

TEST_F(ProcessTest, AppliesTheTerminalModes) {
  ProcessSpec spec = shell_on_terminal("stty -a");
  // VINTR = ^K, VEOL off, ECHO off, ONLCR off, output speed 38400; 200 is undefined and ends it before ICRNL goes.
  spec.pty->modes = {1, 0, 0, 0, 11, 6, 0, 0, 0, 255, 53, 0, 0, 0, 0, 72, 0, 0, 0, 0, 129, 0, 0, 0x96, 0, 200, 36, 0, 0, 0, 0};
  run(std::move(spec));
  for (const char* text : {"intr = ^K", "eol = <undef>", " -echo ", " -onlcr", "speed 38400", " icrnl", "rows 24; columns 80"}) {
    EXPECT_NE(events_.output.find(text), std::string::npos) << text << " in: " << events_.output;
  }
}

TEST_F(ProcessTest, SeesAResize) {
  start(shell_on_terminal("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  process_->resize({132, 43, 0, 0});
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_NE(events_.output.find("43 132"), std::string::npos) << events_.output;
}

TEST_F(ProcessTest, AResizeMayComeBeforeTheStart) {
  process_ = launcher_->launch(shell_on_terminal("read line; stty size"), events_);
  process_->resize({132, 43, 0, 0});
  process_->write(bytes_of("\n"));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_NE(events_.output.find("43 132"), std::string::npos) << events_.output;
}

TEST_F(ProcessTest, ControlCharactersWork) {
  start(shell_on_terminal("echo ready; exec sleep 1000"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  process_->write(bytes_of("\x03"));
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.end->signal, "INT");
  EXPECT_EQ(events_.taken, 1U);
}

TEST_F(ProcessTest, TheEndOfInputMeansNothingToATerminal) {
  start(shell_on_terminal("echo ready; read line && echo got $line"));
  process_->grant(kPlenty);
  process_->write(bytes_of("it"));
  process_->end_input();
  ASSERT_TRUE(wait_for_output("ready"));
  run_for(Duration{20});
  EXPECT_FALSE(events_.end);
}

TEST_F(ProcessTest, BreaksOnATerminalOnly) {
  start(shell_on_terminal("sleep 1000"));
  EXPECT_TRUE(process_->send_break(500));
  start(shell("sleep 1000"));
  EXPECT_FALSE(process_->send_break(500));
}

TEST_F(ProcessTest, TheEndOfASessionEndsItsTerminal) {
  // The background keeps the terminal open, but everything that was there must have come.
  start(shell_on_terminal("trap '' HUP; sleep 1000 & echo pid=$!; seq 1 2000; echo last; exit 4"));
  process_->grant(1000);
  ASSERT_TRUE(run_until([&] { return events_.output.size() == 1000; }));
  process_->grant(kPlenty);
  ASSERT_TRUE(run_until([&] { return events_.finished(); }));
  EXPECT_EQ(events_.end->status, 4U);
  EXPECT_NE(events_.output.find("2000\r\nlast\r\n"), std::string::npos);
  const auto pid = events_.output.find("pid=");
  ASSERT_NE(pid, std::string::npos);
  EXPECT_EQ(kill(std::stoi(events_.output.substr(pid + 4)), SIGKILL), 0) << "the background should have survived";
}

TEST_F(ProcessTest, CreditBoundsATerminalToo) {
  start(shell_on_terminal("exec yes"));
  process_->grant(5'000);
  ASSERT_TRUE(run_until([&] { return events_.output.size() >= 5'000; }));
  run_for(Duration{20});
  EXPECT_EQ(events_.output.size(), 5'000U);
  process_.reset();
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
}

TEST_F(ProcessTest, DestroyingHangsUpTheTerminal) {
  start(shell_on_terminal("echo ready; sleep 1000"));
  process_->grant(kPlenty);
  ASSERT_TRUE(wait_for_output("ready"));
  process_.reset();
  EXPECT_TRUE(run_until([&] { return launcher_->children() == 0; }));
}

}  // namespace
}  // namespace sallyport::child
