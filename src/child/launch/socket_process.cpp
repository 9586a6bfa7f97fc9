#include "child/launch/socket_process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sallyport::child {

SocketProcess::SocketProcess(LocalLauncher& launcher, SocketProcessEvents& events, std::function<void()> on_gone)
    : launcher_(launcher), events_(events), on_gone_(std::move(on_gone)) {}

SocketProcess::~SocketProcess() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  if (on_gone_) on_gone_();
  close_errors();
  if (child_ != nullptr) child_->abandon();
}

void SocketProcess::begin(Result<Spawned>& outcome) {
  on_gone_ = nullptr;
  if (!outcome) return events_.end(&SocketProcessEvents::on_failed, outcome.error());
  const pid_t pid = outcome->adopt();
  child_ =
      &launcher_.reaper_.adopt(pid, std::move(outcome->pidfd), outcome->owner, [this](const ProcessEnd& end) { exited(end); });
  error_ = std::move(outcome->error);
  const bool watched = error_poll_.open(*this, uv_poll_init, launcher_.loop_.uv(), error_.get()) &&
                       uv_poll_start(error_poll_.get(), UV_READABLE, on_error_ready) == 0;
  if (!watched) {
    close_errors();
    std::exchange(child_, nullptr)->abandon();
    return events_.end(&SocketProcessEvents::on_failed, Error{Errc::limit, "the program's standard error can't be watched"});
  }
  events_.tell(&SocketProcessEvents::on_started, std::move(outcome->output));
}

void SocketProcess::on_error_ready(uv_poll_t* uv, int, int) noexcept {
  Poll::call(uv, &SocketProcess::read_errors, &SocketProcess::broken);
}

void SocketProcess::broken(const Error& why) {
  destroyed_ = nullptr;
  close_errors();
  if (child_ != nullptr) std::exchange(child_, nullptr)->abandon();
  events_.end(&SocketProcessEvents::on_failed, why);
}

void SocketProcess::read_errors() {
  char block[kMaxLine];
  const ssize_t count = ::read(error_.get(), block, sizeof block);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (count <= 0) {
    close_errors();
    if (!line_.empty()) events_.tell(&SocketProcessEvents::on_error_line, std::exchange(line_, {}));
    return;
  }
  line_.append(block, static_cast<std::size_t>(count));
  static_cast<void>(tell_lines());
}

bool SocketProcess::tell_lines() {
  bool destroyed = false;
  destroyed_ = &destroyed;
  while (true) {
    const std::size_t end = line_.find('\n');
    if (end == std::string::npos && line_.size() < kMaxLine) break;
    const std::size_t size = std::min(end, kMaxLine);
    std::string line = line_.substr(0, size);
    line_.erase(0, size + (size == end ? 1 : 0));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) events_.tell(&SocketProcessEvents::on_error_line, line);
    if (destroyed) return false;
  }
  destroyed_ = nullptr;
  return true;
}

void SocketProcess::exited(const ProcessEnd& end) {
  child_ = nullptr;
  events_.tell(&SocketProcessEvents::on_exit, end);
}

void SocketProcess::close_errors() {
  error_poll_.close();
  error_.reset();
}

}  // namespace sallyport::child
