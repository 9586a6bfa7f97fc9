#include "child/launch/socket_process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "process_fixture.hpp"

namespace sallyport::child {
namespace {

struct SocketRecorder final : SocketProcessEvents {
  void on_started(net::Fd ours) override {
    socket = std::move(ours);
    if (destroy_at_start) process.reset();
  }
  void on_failed(const Error& why) override {
    failure = why;
    process.reset();
  }
  void on_error_line(std::string_view line) override {
    lines.emplace_back(line);
    if (destroy_at_line) process.reset();
  }
  void on_exit(const ProcessEnd& how) override { end = how; }

  std::unique_ptr<SocketProcess> process;
  net::Fd socket;
  std::optional<Error> failure;
  std::optional<ProcessEnd> end;
  std::vector<std::string> lines;
  bool destroy_at_start = false;
  bool destroy_at_line = false;
};

class SocketProcessTest : public ProcessTest {
 protected:
  void launch(const std::string& command) { recorder_.process = launcher_->launch_on_socket(shell(command), recorder_); }
  /// What comes on the socket, until it ends or has `size` bytes.
  std::string read_all(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      pollfd wait{recorder_.socket.get(), POLLIN, 0};
      EXPECT_EQ(::poll(&wait, 1, static_cast<int>(kDeadline.count())), 1);
      char block[4096];
      const ssize_t count = ::read(recorder_.socket.get(), block, sizeof block);
      if (count <= 0) break;
      text.append(block, static_cast<std::size_t>(count));
    }
    return text;
  }
  bool has_line(const std::string& line) const {
    return std::find(recorder_.lines.begin(), recorder_.lines.end(), line) != recorder_.lines.end();
  }
  bool all_gone() {
    return run_until([&] { return launcher_->children() == 0; });
  }

  void TearDown() override {
    recorder_.process.reset();
    ProcessTest::TearDown();
  }
  SocketRecorder recorder_;
};

TEST_F(SocketProcessTest, TalksOverOneSocket) {
  launch("read line; echo \"got $line\"");
  ASSERT_TRUE(run_until([&] { return static_cast<bool>(recorder_.socket); }));
  ASSERT_EQ(::write(recorder_.socket.get(), "hello\n", 6), 6);
  EXPECT_EQ(read_all(1000), "got hello\n");
  ASSERT_TRUE(run_until([&] { return recorder_.end.has_value(); }));
  EXPECT_EQ(recorder_.end->status, 0U);
}

TEST_F(SocketProcessTest, HasNoOtherDescriptor) {
  // The shell opens none of its own, ls one for the folder that it reads.
  launch("ls /proc/self/fd | tr '\\n' ' '");
  ASSERT_TRUE(run_until([&] { return static_cast<bool>(recorder_.socket); }));
  EXPECT_EQ(read_all(1000), "0 1 2 3 ");
}

TEST_F(SocketProcessTest, TellsStandardErrorLineByLine) {
  launch("echo one >&2; printf 'two\\r\\n\\n' >&2; head -c 700 /dev/zero | tr '\\0' x >&2; exit 3");
  ASSERT_TRUE(run_until([&] { return recorder_.end.has_value() && has_line(std::string(188, 'x')); }));
  EXPECT_EQ(recorder_.end->status, 3U);
  EXPECT_TRUE(has_line("one"));
  EXPECT_TRUE(has_line("two"));
  EXPECT_TRUE(has_line(std::string(SocketProcess::kMaxLine, 'x')));
}

TEST_F(SocketProcessTest, FailsWithoutItsProgram) {
  ProcessSpec spec;
  spec.argv = {"/no/such/program"};
  recorder_.process = launcher_->launch_on_socket(spec, recorder_);
  ASSERT_TRUE(run_until([&] { return recorder_.failure.has_value(); }));
  EXPECT_EQ(recorder_.failure->code, Errc::not_found);
  EXPECT_TRUE(all_gone());
}

TEST_F(SocketProcessTest, IsHungUpAndReapedWhenItIsDestroyed) {
  launch("trap 'echo hung up >&2; exit' HUP; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(run_until([&] { return static_cast<bool>(recorder_.socket); }));
  EXPECT_EQ(read_all(6), "ready\n");
  recorder_.process.reset();
  EXPECT_TRUE(all_gone());
}

TEST_F(SocketProcessTest, IsKilledAfterTheGraceTime) {
  use_launcher({.grace = std::chrono::milliseconds(50)});
  launch("trap '' HUP; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(run_until([&] { return static_cast<bool>(recorder_.socket); }));
  EXPECT_EQ(read_all(6), "ready\n");
  recorder_.process.reset();
  EXPECT_TRUE(all_gone());
}

TEST_F(SocketProcessTest, MayBeDestroyedAtAnyTime) {
  launch("sleep 1000");
  recorder_.process.reset();  // on its way through the thread pool
  EXPECT_TRUE(all_gone());
  recorder_.destroy_at_start = true;
  launch("sleep 1000");
  ASSERT_TRUE(run_until([&] { return static_cast<bool>(recorder_.socket); }));
  EXPECT_TRUE(all_gone());
  recorder_.destroy_at_start = false;
  recorder_.destroy_at_line = true;
  launch("echo one >&2; echo two >&2; sleep 1000");
  ASSERT_TRUE(run_until([&] { return !recorder_.lines.empty(); }));
  EXPECT_TRUE(all_gone());
  EXPECT_EQ(recorder_.lines.size(), 1U);
}

}  // namespace
}  // namespace sallyport::child
