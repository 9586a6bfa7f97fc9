#include "child/process/run_program.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "child/process/spawn.hpp"
#include "net/loop/error.hpp"

namespace sallyport::child {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxComplaint = 512;  // of standard error, for the log
constexpr rlim_t kDescriptors = 1024;       // what programs expect; ours is raised
/// How often a program is looked at that has no pidfd, or has closed its output and goes on.
constexpr std::chrono::milliseconds kLook{20};
/// How often it is asked whether anybody still waits for it.
constexpr std::chrono::milliseconds kAsk{100};

/// One program from its start to its end; destroying it kills the group.
class Run {
 public:
  Run(Spawned spawned, const RunLimits& limits)
      : spawned_(std::move(spawned)), limits_(limits), deadline_(SteadyClock::now() + limits.timeout) {
    spawned_.input.reset();
  }

  Result<std::string> finish() {
    for (;;) {
      const auto status = ended();
      // What it wrote last is in the pipe when it has ended; who else may hold that pipe is not waited for.
      if (!read_from(spawned_.output, output_, limits_.max_output + 1)) spawned_.output.reset();
      if (!read_from(spawned_.error, complaint_, kMaxComplaint)) spawned_.error.reset();
      if (output_.size() > limits_.max_output) return fail(Errc::limit, "the program wrote too much");
      if (status) return outcome(*status);
      if (limits_.given_up != nullptr && *limits_.given_up) return fail(Errc::closed, "nobody waits for the program any more");
      if (SteadyClock::now() >= deadline_) return fail(Errc::timeout, "the program took too long");
      wait();
    }
  }

 private:
  std::optional<int> ended() {
    siginfo_t info{};
    // It stays a zombie until the group has been killed, so that its number is still its own then.
    if (waitid(P_PID, static_cast<id_t>(spawned_.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return -1;
    if (info.si_pid == 0) return std::nullopt;
    return info.si_code == CLD_EXITED ? info.si_status : -1;
  }

  /// Takes what is there. False at the end of the stream. What goes beyond `most` is dropped.
  static bool read_from(const net::Fd& fd, std::string& text, std::size_t most) {
    if (!fd) return true;
    std::array<char, 16 * 1024> block;
    for (;;) {
      const ssize_t count = read(fd.get(), block.data(), block.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
      if (count == 0) return false;
      text.append(block.data(), std::min(static_cast<std::size_t>(count), most - std::min(most, text.size())));
      if (text.size() == most) return true;  // a program that never stops must not hold us here
    }
  }

  void wait() const {
    std::array<pollfd, 3> wanted{
        {{spawned_.output.get(), POLLIN, 0}, {spawned_.error.get(), POLLIN, 0}, {spawned_.pidfd.get(), POLLIN, 0}}};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - SteadyClock::now());
    if (limits_.given_up != nullptr) left = std::min(left, kAsk);
    if (!spawned_.pidfd || complaint_.size() == kMaxComplaint) left = std::min(left, kLook);
    if (complaint_.size() == kMaxComplaint) wanted[1].fd = -1;
    static_cast<void>(poll(wanted.data(), wanted.size(), static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count())));
  }

  Result<std::string> outcome(int status) {
    if (status == 0) return std::move(output_);
    while (!complaint_.empty() && complaint_.back() == '\n') complaint_.pop_back();
    std::string detail =
        status < 0 ? "the program was ended by a signal" : "the program ended with status " + std::to_string(status);
    if (!complaint_.empty()) detail += ": " + complaint_;
    return fail(Errc::unavailable, std::move(detail));
  }

  Spawned spawned_;
  const RunLimits& limits_;
  const SteadyClock::time_point deadline_;
  std::string output_;
  std::string complaint_;
};

}  // namespace

Result<std::string> run_program(const ProcessSpec& spec, const RunLimits& limits) {
  auto spawned = spawn(spec, {.descriptors = kDescriptors, .core = std::nullopt});
  if (!spawned) return fail(std::move(spawned.error()));
  return Run(std::move(*spawned), limits).finish();
}

}  // namespace sallyport::child
