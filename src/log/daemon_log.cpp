#include "log/daemon_log.hpp"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "log/append_file.hpp"
#include "log/line_format.hpp"

namespace sallyport::log {
namespace {

constexpr mode_t kLogFileMode = 0640;
/// Lines that may wait for the disk. spdlog keeps a slot of some 350 bytes for each from the start.
constexpr std::size_t kQueuedLines = 4096;

constexpr std::chrono::milliseconds kGather{10};
/// More than this isn't gathered for one write.
constexpr std::size_t kLargestFlock = std::size_t{64} * 1024;

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

Level level_from(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace: return Level::trace;
    case spdlog::level::debug: return Level::debug;
    case spdlog::level::info: return Level::info;
    case spdlog::level::warn: return Level::warn;
    default: return Level::error;
  }
}

/// Writes lines on the pool's thread, those that have come in one flock with one call. What other threads ask for waits in
/// `pending_` until the next line, so that nobody but the writer ever waits for the disk.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink(AppendFile file, LogFormat format) : file_(std::move(file)), format_(format) {}

  void replace(AppendFile file, LogFormat format) {
    const std::lock_guard lock(pending_mutex_);
    pending_.file = std::move(file);
    pending_.format = format;
  }
  void set_format(LogFormat format) {
    const std::lock_guard lock(pending_mutex_);
    pending_.format = format;
  }
  void reopen() {
    const std::lock_guard lock(pending_mutex_);
    pending_.reopen = true;
  }
  /// Whose queue the lines come from. Before the first one.
  void watch(spdlog::details::thread_pool& pool) { pool_ = &pool; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    take_pending();
    if (const std::size_t count = pool_->overrun_counter(); count != overruns_) {
      append_own(Level::warn, std::to_string(count - overruns_) + " lines lost: the log's queue was full");
      overruns_ = count;
    }
    if (lines_ == 0 && unwritten_ != 0) {
      append_own(Level::error, std::to_string(unwritten_) + " lines lost: the log could not be written");
    }
    append_line(flock_, format_, message.time, level_from(message.level), {message.payload.data(), message.payload.size()});
    ++lines_;
    const bool is_last = pool_->queue_size() == 0;
    if (!is_last && flock_.size() < kLargestFlock) return;
    write_out();
    // Lines come in flocks. While this thread sleeps, those who log have nobody to wake, which costs them more than
    // the line; those that came meanwhile are written without another pause.
    if (is_last) std::this_thread::sleep_for(kGather);
  }
  /// At the end, when the last line may have had that behind itself in the queue.
  void flush_() override { write_out(); }

 private:
  struct Pending {
    std::optional<AppendFile> file;
    std::optional<LogFormat> format;
    bool reopen = false;
  };

  void take_pending() {
    Pending pending;
    {
      const std::lock_guard lock(pending_mutex_);
      pending = std::exchange(pending_, Pending{});
    }
    if (pending.format) format_ = *pending.format;
    if (!pending.file && !pending.reopen) return;
    write_out();  // what was logged before belongs into the old one
    if (pending.file) file_ = std::move(*pending.file);
    if (!pending.reopen) return;
    if (auto done = file_.reopen(); !done) append_own(Level::error, "log keeps its old file: " + done.error().detail);
  }
  void append_own(Level level, std::string_view message) {
    append_line(flock_, format_, std::chrono::system_clock::now(), level, message);
  }
  void write_out() {
    if (flock_.empty()) return;  // or a file that takes nothing would seem to take what is lost
    const auto written = file_.write(flock_);
    unwritten_ = written.error_number == 0 ? 0 : unwritten_ + lines_;
    lines_ = 0;
    flock_.clear();
  }

  AppendFile file_;
  LogFormat format_;
  spdlog::details::thread_pool* pool_ = nullptr;
  std::string flock_;        // what is to be written next …
  std::uint64_t lines_ = 0;  // … and how many have been logged in it
  std::size_t overruns_ = 0;
  std::uint64_t unwritten_ = 0;
  std::mutex pending_mutex_;
  Pending pending_;
};

/// Signals are the loop's business, and a broken pipe on standard error must be an errno.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

struct DaemonLog::Parts {
  std::string file;
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Result<std::unique_ptr<DaemonLog>> DaemonLog::open(const LogSettings& settings) {
  Result<AppendFile> file = AppendFile::open(settings.file, kLogFileMode);
  if (!file) return fail(file.error());
  auto parts = std::make_unique<Parts>();
  parts->file = settings.file;
  parts->sink = std::make_shared<LineSink>(std::move(*file), settings.format);
  parts->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, block_signals);
  parts->sink->watch(*parts->pool);
  parts->logger = std::make_shared<spdlog::async_logger>("sallyport", parts->sink, parts->pool,
                                                         spdlog::async_overflow_policy::overrun_oldest);
  parts->logger->set_level(spdlog::level::trace);  // enabled() has asked already
  return std::unique_ptr<DaemonLog>(new DaemonLog(settings, std::move(parts)));
}

DaemonLog::DaemonLog(const LogSettings& settings, std::unique_ptr<Parts> parts)
    : Logger(settings.level), parts_(std::move(parts)) {}

DaemonLog::~DaemonLog() {
  parts_->pool.reset();  // joins behind the last line
  parts_->sink->flush();
}

Result<> DaemonLog::apply(const LogSettings& settings) {
  if (settings.file == parts_->file) {
    parts_->sink->set_format(settings.format);
  } else {
    Result<AppendFile> file = AppendFile::open(settings.file, kLogFileMode);
    if (!file) return fail(file.error());
    parts_->sink->replace(std::move(*file), settings.format);
    parts_->file = settings.file;
  }
  set_level(settings.level);
  return {};
}

void DaemonLog::reopen() {
  parts_->sink->reopen();
  // The request is carried out with the next line: this one, so that the old file is free at once.
  write(Level::info, "log file reopened");
}

void DaemonLog::write(Level level, std::string_view line) {
  parts_->logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sallyport::log
