// Programs that the test plays.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/process.hpp>

namespace sallyport::fakes {

class FakeLauncher final : public ProcessLauncher {
 public:
  /// One program: what it was started with, what it was given, and the way to report as it.
  struct Program {
    ProcessSpec spec;
    ProcessEvents* events = nullptr;  ///< null once the Process was destroyed
    std::size_t granted = 0;
    std::string input;
    bool input_ended = false;
    bool output_ended = false;
    std::vector<WindowDimensions> sizes;
    std::vector<std::string> signals;
    bool hung_up() const { return events == nullptr; }

    void output(std::string_view text, OutputStream stream = OutputStream::standard) {
      granted -= text.size();
      events->on_output(stream, bytes_of(text));
    }
    void take_input() {
      const std::size_t count = std::exchange(input, {}).size();
      events->on_input_taken(count);
    }
  };

  [[nodiscard]] std::unique_ptr<Process> launch(ProcessSpec spec, ProcessEvents& events) override {
    Program& program = programs.emplace_back();
    program.spec = std::move(spec);
    program.events = &events;
    return std::make_unique<FakeProcess>(program);
  }

  std::deque<Program> programs;

 private:
  class FakeProcess final : public Process {
   public:
    explicit FakeProcess(Program& program) : program_(program) {}
    ~FakeProcess() override { program_.events = nullptr; }
    void grant(std::size_t bytes) override { program_.granted += bytes; }
    void write(ByteView input) override { program_.input += text_of(input); }
    void end_input() override { program_.input_ended = true; }
    void end_output() override { program_.output_ended = true; }
    void resize(const WindowDimensions& size) override { program_.sizes.push_back(size); }
    bool signal(std::string_view name) override {
      program_.signals.emplace_back(name);
      return name != "NOSUCH";
    }
    bool send_break(std::uint32_t) override { return program_.spec.pty.has_value(); }

   private:
    Program& program_;
  };
};

}  // namespace sallyport::fakes
