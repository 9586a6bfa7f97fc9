#include "log/file_audit_trail.hpp"

#include <pthread.h>
#include <signal.h>

#include <type_traits>
#include <utility>
#include <variant>

#include "log/time_text.hpp"

namespace sallyport::log {
namespace {

constexpr mode_t kAuditFileMode = 0600;

void append_string(std::string& out, std::string_view text, std::size_t limit = kAuditTextBytes) {
  out += '"';
  append_json_escaped(out, text, limit);
  out += '"';
}

void append_value(std::string& out, const AuditField::Value& value) {
  std::visit(
      [&out](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string_view>) {
          append_string(out, held);
        } else if constexpr (std::is_same_v<Held, AuditField::Long>) {
          append_string(out, held.text, kAuditLongBytes);
        } else if constexpr (std::is_same_v<Held, bool>) {
          out += held ? "true" : "false";
        } else if constexpr (std::is_same_v<Held, std::uint64_t>) {
          out += std::to_string(held);
        } else {
          append_string(out, to_string(held));
        }
      },
      value);
}

/// Of a string in a line, with its quotes.
std::size_t string_bound(std::string_view text, std::size_t limit = kAuditTextBytes) {
  constexpr std::size_t kLongestEscape = 6;  // \u0000
  std::size_t shown = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7f;
    shown += !plain ? kLongestEscape : byte == '"' || byte == '\\' ? 2 : 1;
    if (shown > limit) return limit + 5;  // the ellipsis takes three
  }
  return shown + 2;
}

}  // namespace

std::size_t audit_line_bound(const AuditEvent& event) {
  constexpr std::size_t kTimeAndName = 50;
  constexpr std::size_t kNumber = 22;
  std::size_t bytes = kTimeAndName + string_bound(event.name());
  for (const AuditField& field : event.fields()) {
    bytes += string_bound(field.key) + 2;
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      bytes += string_bound(*text);
    } else if (const auto* long_text = std::get_if<AuditField::Long>(&field.value)) {
      bytes += string_bound(long_text->text, kAuditLongBytes);
    } else {
      bytes += kNumber;
    }
  }
  return bytes;
}

void append_audit_line(std::string& out, std::chrono::system_clock::time_point time, const AuditEvent& event) {
  out += "{\"time\":\"";
  out += time_text(time);
  out += "\",\"event\":";
  append_string(out, event.name());
  for (const AuditField& field : event.fields()) {
    out += ',';
    append_string(out, field.key);
    out += ':';
    append_value(out, field.value);
  }
  out += "}\n";
}

Result<std::unique_ptr<FileAuditTrail>> FileAuditTrail::open(Settings settings, Logger& log) {
  Result<AppendFile> file = AppendFile::open(settings.file, kAuditFileMode);
  if (!file) return fail(file.error());
  return std::unique_ptr<FileAuditTrail>(new FileAuditTrail(std::move(settings), std::move(*file), log));
}

FileAuditTrail::FileAuditTrail(Settings settings, AppendFile file, Logger& log)
    : settings_(std::move(settings)), log_(log), file_(std::move(file)), writer_([this] { run(); }) {}

FileAuditTrail::~FileAuditTrail() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void FileAuditTrail::record(const AuditEvent& event) {
  std::string line;
  append_audit_line(line, settings_.now(), event);
  std::uint64_t lost = 0;
  bool was_idle = false;
  {
    const std::lock_guard lock(mutex_);
    was_idle = queue_.empty() && lost_ == 0;
    if (queue_.size() + in_writing_ + line.size() > settings_.queue_limit) {
      lost = ++lost_;
      healthy_.store(false, std::memory_order_relaxed);
    } else {
      queue_ += line;
    }
  }
  if (was_idle) wake_.notify_one();  // otherwise the writer knows, and is gathering
  // The first of a row, and then now and then: a log that nobody can read for noise helps nobody.
  if (lost % 1000 == 1) log_.error("audit event lost: the queue is full lost={} file={}", lost, settings_.file);
}

void FileAuditTrail::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void FileAuditTrail::run() {
  sigset_t all;  // signals are the loop's business, and a broken pipe must be an errno
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::string batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (failing_) {
      wake_.wait_for(lock, settings_.retry_after, [this] { return stop_ || reopen_; });
    } else {
      wake_.wait(lock, [&] { return stop_ || reopen_ || !queue_.empty() || !batch.empty() || lost_ != 0; });
      // Events come in flocks (a login is several): one write for all of them, and one wake-up.
      wake_.wait_for(lock, settings_.gather, [this] { return stop_ || reopen_; });
    }
    const bool last = stop_;
    const bool reopen = std::exchange(reopen_, false);
    batch += queue_;
    queue_.clear();
    in_writing_ = batch.size();
    lock.unlock();
    const bool written = write_out(batch);
    if (reopen) {
      if (auto done = file_.reopen(); !done) {
        log_.error("audit trail keeps its old file error=\"{}\"", done.error().detail);
      }
    }
    lock.lock();
    if (written) note_losses(batch);
    in_writing_ = batch.size();
    healthy_.store(written && batch.empty(), std::memory_order_relaxed);
    if (last && ((queue_.empty() && batch.empty()) || !written)) break;
  }
  const std::size_t left = batch.size() + queue_.size();
  lock.unlock();
  if (left != 0) log_.error("audit events lost at the end: the file can't be written bytes={} file={}", left, settings_.file);
}

/// Writes and removes the front of `batch`; true when all of it went. Called without the lock.
bool FileAuditTrail::write_out(std::string& batch) {
  const auto written = file_.write(batch);
  batch.erase(0, written.bytes);
  const bool failed = written.error_number != 0;
  if (failed && !failing_) {
    log_.error("audit trail can't be written, no new connections error=\"{}\" file={}", system_text(written.error_number),
               settings_.file);
  } else if (!failed && failing_) {
    log_.warn("audit trail is written again file={}", settings_.file);
  }
  failing_ = failed;
  return !failed;
}

/// Puts what was lost into `batch`, for the next round. Called with the lock.
void FileAuditTrail::note_losses(std::string& batch) {
  if (lost_ == 0) return;
  append_audit_line(batch, settings_.now(), AuditEvent("audit-lost").with("count", std::exchange(lost_, 0)));
}

}  // namespace sallyport::log
