// The daemon's own log, on standard error or in a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

#include "log/logger.hpp"

namespace sallyport::log {

/// spdlog's non-blocking asynchronous logger with a thread of its own. When the queue is full the oldest lines go, and
/// a line says how many; when the file can't be written lines are lost too, and counted until it can.
class DaemonLog final : public Logger {
 public:
  /// Errc::io when the file can't be opened. A new file has mode 0640.
  static Result<std::unique_ptr<DaemonLog>> open(const LogSettings& settings);
  /// Writes what is queued, then ends the thread.
  ~DaemonLog() override;

  /// Changes level, format and file (after a reload). On failure everything stays as it was.
  Result<> apply(const LogSettings& settings);
  /// Opens the file again, for SIGUSR1. Done by the writer's thread; when it fails, the log says so in the old file.
  void reopen();

 protected:
  void write(Level level, std::string_view line) override;

 private:
  struct Parts;
  explicit DaemonLog(const LogSettings& settings, std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace sallyport::log
