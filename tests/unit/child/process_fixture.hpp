// Starts real programs and records what comes of them.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <string>

#include "child/launch/launcher.hpp"
#include "fakes/loop_fixture.hpp"

namespace sallyport::child {

struct Recorder final : ProcessEvents {
  void on_started() override { started = true; }
  void on_failed(const Error& why) override { failure = why; }
  void on_output(OutputStream stream, ByteView bytes) override {
    (stream == OutputStream::standard ? output : error) += text_of(bytes);
  }
  void on_output_end() override { ++ends; }
  void on_input_taken(std::size_t count) override { taken += count; }
  void on_exit(const ProcessEnd& how) override { end = how; }

  bool finished() const { return failure || (end && ends > 0); }

  bool started = false;
  std::optional<Error> failure;
  std::string output;
  std::string error;
  int ends = 0;
  std::size_t taken = 0;
  std::optional<ProcessEnd> end;
};

class ProcessTest : public test::LoopTest {
 protected:
  static constexpr std::size_t kPlenty = 64 * 1024 * 1024;

  void SetUp() override { use_launcher(LocalLauncher::Options{}); }
  void TearDown() override {
    process_.reset();
    launcher_.reset();
    LoopTest::TearDown();
  }
  void use_launcher(LocalLauncher::Options options) { launcher_ = std::make_unique<LocalLauncher>(loop_, options); }

  static ProcessSpec shell(const std::string& command) {
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", command};
    return spec;
  }
  static ProcessSpec shell_on_terminal(const std::string& command) {
    ProcessSpec spec = shell(command);
    spec.pty = PtyRequest{"vt100", {80, 24, 640, 480}, {}};
    return spec;
  }

  /// Starts it and waits until it runs; grants nothing.
  void start(ProcessSpec spec) {
    events_ = Recorder{};
    process_ = launcher_->launch(std::move(spec), events_);
    ASSERT_TRUE(run_until([&] { return events_.started || events_.failure; }));
    ASSERT_FALSE(events_.failure) << events_.failure->detail;
  }
  /// Runs it to its end with all the credit it wants and no input.
  void run(ProcessSpec spec) {
    start(std::move(spec));
    process_->grant(kPlenty);
    process_->end_input();
    ASSERT_TRUE(run_until([&] { return events_.finished(); })) << "output: " << events_.output;
  }
  bool wait_for_output(const std::string& text) {
    return run_until([&] { return events_.output.find(text) != std::string::npos; });
  }
  static std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* folder = opendir("/proc/self/fd");
    while (readdir(folder) != nullptr) ++count;
    closedir(folder);
    return count;
  }

  std::unique_ptr<LocalLauncher> launcher_;
  Recorder events_;
  std::unique_ptr<Process> process_;
};

}  // namespace sallyport::child
