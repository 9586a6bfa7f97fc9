// Starts local programs on one loop.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include <sallyport/process.hpp>

#include "child/account/login_record.hpp"
#include "child/process/reaper.hpp"
#include "child/process/spawn.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/work_lane.hpp"

namespace sallyport::child {

class LocalProcess;
class SocketProcess;
class SocketProcessEvents;

/// ProcessLauncher over libuv. Must outlive its processes; destroying it kills and reaps every child that is left.
/// Makes the daemon ignore SIGPIPE, unless it handles it: a program that doesn't read must not end us.
class LocalLauncher final : public ProcessLauncher {
 public:
  struct Options {
    /// Between a hang-up and the kill. sshd leaves a program alone that ignores the hang-up; here a channel that has
    /// gone leaves no leader of a process group behind.
    Duration grace{5'000};
    InheritedLimits inherited = {};
    LoginFiles login_files = {};  ///< of `record_login`
    bool use_pidfd = true;        ///< false is for tests of what old kernels need
  };

  explicit LocalLauncher(net::Loop& loop) : LocalLauncher(loop, Options{}) {}
  LocalLauncher(net::Loop& loop, Options options);
  ~LocalLauncher() override;
  [[nodiscard]] std::unique_ptr<Process> launch(ProcessSpec spec, ProcessEvents& events) override;
  /// Starts a program without a terminal whose standard input and output are one socket.
  [[nodiscard]] std::unique_ptr<SocketProcess> launch_on_socket(ProcessSpec spec, SocketProcessEvents& events);

  /// Children that run or haven't been reaped, those that are being started too. Zero: nothing would be killed.
  std::size_t children() const { return starting_.size() + reaper_.size(); }

 private:
  friend class LocalProcess;
  friend class SocketProcess;
  /// One start on its way through the thread pool, which may outlive the process that asked and the launcher.
  struct Start;
  /// The end of a recorded login on its way through the thread pool.
  struct Logout {
    LoginRecord login;
    std::atomic_flag written = ATOMIC_FLAG_INIT;
  };
  // Reads are made into one buffer, since the bytes are passed on before the next read.
  static constexpr std::size_t kReadSize = 32 * 1024;
  /// So many programs are being started at a time, half of them for one user; the others wait.
  static constexpr std::size_t kStarts = 8;

  /// Has `start` made in the thread pool.
  void begin(const std::shared_ptr<Start>& start, Stdio stdio);
  void started(Start* start);
  /// Writes, in the thread pool, that the login is over.
  void record_end(LoginRecord login);

  net::Loop& loop_;
  const InheritedLimits inherited_;
  const LoginFiles login_files_;
  Reaper reaper_;
  std::vector<std::uint8_t> read_buffer_;
  net::WorkLane lane_;  // a home on a slow file server, and whoever has one, holds up no more than this
  std::unordered_map<Start*, std::unique_ptr<net::Work>> starting_;
  std::unordered_map<std::shared_ptr<Logout>, std::unique_ptr<net::Work>> logouts_;
};

}  // namespace sallyport::child
