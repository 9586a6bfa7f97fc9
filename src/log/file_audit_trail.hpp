// The audit trail as a file of JSON lines.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <sallyport/audit.hpp>
#include <sallyport/result.hpp>

#include "log/append_file.hpp"
#include "log/logger.hpp"

namespace sallyport::log {

/// Appends the event as one JSON object and an LF: `time` and `event` first, then the members in their order; ids as
/// "c1", "t1", "h1". Strings are cut where they would take more than kAuditTextBytes in the line, long ones kAuditLongBytes,
/// with "…" behind them.
void append_audit_line(std::string& out, std::chrono::system_clock::time_point time, const AuditEvent& event);
/// How long that line is at the most, without making it.
[[nodiscard]] std::size_t audit_line_bound(const AuditEvent& event);
constexpr std::size_t kAuditTextBytes = 512;
constexpr std::size_t kAuditLongBytes = 8192;

/// Queues events for a thread that writes them; record() never waits for the disk. When the file can't be written
/// (disk full, say) the thread keeps what it has and tries again, so that nothing is lost while the queue has room.
/// When it has none, events are lost: the log gets an error, the file an event `audit-lost` with the number of them as
/// soon as it can be written, and healthy() is false meanwhile, so that the daemon lets nothing new begin (it fails
/// closed). Events reach the kernel within a moment, the disk when the kernel likes: nothing is synced.
class FileAuditTrail final : public AuditTrail {
 public:
  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  struct Settings {
    std::string file;
    std::size_t queue_limit = 16 * 1024 * 1024;   ///< bytes that may wait for the disk
    std::chrono::milliseconds retry_after{1000};  ///< a failed write
    std::chrono::milliseconds gather{20};         ///< how long an event waits for others to be written with it
    WallClock now = std::chrono::system_clock::now;
  };

  /// Errc::io when the file can't be opened. A new file has mode 0600. `log` must outlive the trail.
  static Result<std::unique_ptr<FileAuditTrail>> open(Settings settings, Logger& log);
  /// Writes what is queued, with one try only, and ends the thread.
  ~FileAuditTrail() override;

  bool enabled() const override { return true; }
  bool healthy() const override { return healthy_.load(std::memory_order_relaxed); }
  void record(const AuditEvent& event) override;

  /// Opens the file again, for SIGUSR1, behind the events recorded before. When it fails, the old one stays in use
  /// and the log says so.
  void reopen();

 private:
  FileAuditTrail(Settings settings, AppendFile file, Logger& log);
  void run();
  bool write_out(std::string& batch);
  void note_losses(std::string& batch);

  const Settings settings_;
  Logger& log_;
  std::atomic<bool> healthy_{true};

  std::mutex mutex_;  // guards what stands below; held for memory operations only
  std::condition_variable wake_;
  std::string queue_;
  std::size_t in_writing_ = 0;  // bytes that the writer has taken and not yet written
  std::uint64_t lost_ = 0;
  bool reopen_ = false;
  bool stop_ = false;

  AppendFile file_;       // the writer's alone
  bool failing_ = false;  // the writer's alone
  std::thread writer_;    // last: it uses everything above
};

}  // namespace sallyport::log
