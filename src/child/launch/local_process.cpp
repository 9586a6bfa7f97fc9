#include "child/launch/local_process.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "child/process/pty.hpp"
#include "child/process/signals.hpp"

namespace sallyport::child {
namespace {

// The front of the queue is cut off when that much of it has been written, so that it isn't moved for each write.
constexpr std::size_t kCompactAt = 16 * 1024;
// Signals that may wait for the start; more of them say nothing new.
constexpr std::size_t kMostEarlySignals = 16;

bool would_block(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR; }

}  // namespace

LocalProcess::LocalProcess(LocalLauncher& launcher, ProcessEvents& events, std::function<void()> on_gone)
    : launcher_(launcher), events_(events), on_gone_(std::move(on_gone)) {}

LocalProcess::~LocalProcess() {
  if (on_gone_) on_gone_();
  if (record_) launcher_.record_end(std::move(*record_));
  release_pty(terminal_);
  input_.close();
  output_.close();  // of a terminal, this alone hangs up its session
  error_.close();
  if (child_ != nullptr) child_->abandon();
}

void LocalProcess::begin(Spawned spawned) {
  on_gone_ = nullptr;
  terminal_ = std::move(spawned.terminal);
  record_ = std::move(spawned.record);
  const pid_t pid = spawned.adopt();
  child_ = &launcher_.reaper_.adopt(pid, std::move(spawned.pidfd), spawned.owner, [this](const ProcessEnd& end) { exited(end); });
  const bool watched = open(output_, std::move(spawned.output)) &&
                       (on_terminal() || (open(input_, std::move(spawned.input)) && open(error_, std::move(spawned.error))));
  if (!watched) {
    input_.close();
    output_.close();
    error_.close();
    std::exchange(child_, nullptr)->abandon();
    return events_.end(&ProcessEvents::on_failed, Error{Errc::limit, "the program's output can't be watched"});
  }
  if (size_) resize(*size_);
  for (const int number : std::exchange(signals_, {})) child_->signal(number);
  if (input_ended_) end_input();
  if (output_unwanted_) call_soon();
  watch();
  events_.tell(&ProcessEvents::on_started);
}

void LocalProcess::fail(const Error& why) {
  on_gone_ = nullptr;
  events_.end(&ProcessEvents::on_failed, why);
}

bool LocalProcess::open(Watched& watched, net::Fd fd) {
  watched.fd = std::move(fd);
  return static_cast<bool>(watched.poll.open(*this, uv_poll_init, launcher_.loop_.uv(), watched.fd.get()));
}

void LocalProcess::grant(std::size_t bytes) {
  credit_ += bytes;
  watch();
  if (exited_ && on_terminal()) call_soon();
}

void LocalProcess::write(ByteView input) {
  if (input_ended_ || input.empty()) return;
  if (!on_gone_ && !input_open()) {
    dropped_ += input.size();
    return call_soon();
  }
  queue_ += text_of(input);
  watch();
}

void LocalProcess::end_input() {
  input_ended_ = true;
  // On a terminal nothing more: its EOF character could reach a program that asks for single keys, and sshd, which
  // only closes its own copy of the master, has taught clients that the end of their input ends no shell.
  if (!on_terminal() && queue_.empty()) input_.close();
}

void LocalProcess::end_output() {
  if (on_terminal()) return;
  output_unwanted_ = true;
  if (!on_gone_) call_soon();
}

void LocalProcess::resize(const WindowDimensions& dimensions) {
  if (on_gone_) {
    size_ = dimensions;
  } else if (on_terminal() && output_.fd) {
    resize_pty(output_.fd.get(), dimensions);
  }
}

bool LocalProcess::signal(std::string_view name) {
  const auto number = signal_number(name);
  if (!number) return false;
  if (child_ != nullptr) {
    child_->signal(*number);
  } else if (on_gone_ && signals_.size() < kMostEarlySignals) {
    signals_.push_back(*number);
  }
  return true;
}

bool LocalProcess::send_break(std::uint32_t) {
  // A pseudo-terminal has no line to hold down: the length means nothing, and zero can't block.
  return on_terminal() && output_.fd && tcsendbreak(output_.fd.get(), 0) == 0;
}

// Neither uv_poll_start nor uv_poll_stop fails for a handle that is open.
void LocalProcess::watch() {
  const auto set = [](Watched& watched, int events, uv_poll_cb on_ready) {
    if (!watched.poll) return;
    static_cast<void>(events == 0 ? uv_poll_stop(watched.poll.get()) : uv_poll_start(watched.poll.get(), events, on_ready));
  };
  const int readable = credit_ > 0 ? UV_READABLE : 0;
  const int writable = queue_.empty() ? 0 : UV_WRITABLE;
  set(output_, readable | (on_terminal() ? writable : 0), on_output_ready);
  set(error_, readable, on_error_ready);
  set(input_, writable, on_input_ready);
}

// libuv stops a watcher whose status is an error. What it was, the call on the descriptor itself tells.
void LocalProcess::on_input_ready(uv_poll_t* uv, int, int) noexcept {
  Poll::call(uv, &LocalProcess::write_some, &LocalProcess::broken);
}

void LocalProcess::on_output_ready(uv_poll_t* uv, int, int events) noexcept {
  Poll::call(
      uv,
      [events](LocalProcess& self) {
        // On a terminal that is ready for both, input goes first: it is small. The other event stands until it is served.
        if (self.on_terminal() && !self.queue_.empty() && (events & UV_WRITABLE) != 0) return self.write_some();
        self.read_from(OutputStream::standard);
      },
      &LocalProcess::broken);
}

void LocalProcess::on_error_ready(uv_poll_t* uv, int, int) noexcept {
  Poll::call(
      uv, [](LocalProcess& self) { self.read_from(OutputStream::error); }, &LocalProcess::broken);
}

void LocalProcess::broken(const Error& why) {
  input_.close();
  output_.close();
  error_.close();
  if (child_ != nullptr) std::exchange(child_, nullptr)->abandon();
  events_.end(&ProcessEvents::on_failed, why);
}

void LocalProcess::read_from(OutputStream stream) {
  Watched& watched = stream == OutputStream::standard ? output_ : error_;
  // Without credit this comes from a hang-up, which can't be masked: the end waits behind output that may be there.
  if (credit_ == 0) return watch();
  auto& buffer = launcher_.read_buffer_;
  const ssize_t count = read(watched.fd.get(), buffer.data(), std::min(credit_, buffer.size()));
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    credit_ -= size;
    watch();
    if (exited_ && on_terminal()) call_soon();
    return events_.tell(&ProcessEvents::on_output, stream, ByteView{buffer.data(), size});
  }
  if (count < 0 && would_block(errno)) {
    // Programs in the background may keep a terminal open whose session has ended; as with sshd that ends it all the
    // same, once what was there has been read. (A pipe is read for as long as somebody holds it.)
    if (exited_ && on_terminal() && errno != EINTR) return stream_ended(stream);
    return watch();
  }
  stream_ended(stream);  // EOF; on a terminal it is EIO
}

void LocalProcess::stream_ended(OutputStream stream) {
  if (on_terminal()) {
    release_pty(terminal_);
    output_.close();
    drop_input();
  } else {
    (stream == OutputStream::standard ? output_ : error_).close();
  }
  if (!output_.fd && !error_.fd) events_.tell(&ProcessEvents::on_output_end);
}

void LocalProcess::write_some() {
  Watched& watched = on_terminal() ? output_ : input_;
  const ssize_t count = ::write(watched.fd.get(), queue_.data() + written_, queue_.size() - written_);
  if (count < 0 && would_block(errno)) return watch();
  if (count < 0) {
    // EPIPE: the program reads no more. A terminal's end is for reading to find.
    if (!on_terminal()) {
      input_.close();
      input_closed_ = !input_ended_;
      call_soon();
    }
    drop_input();
    return watch();
  }
  written_ += static_cast<std::size_t>(count);
  if (written_ == queue_.size()) {
    // The memory too: an idle session is to cost nothing for what it once was sent.
    std::string{}.swap(queue_);
    written_ = 0;
    if (input_ended_ && !on_terminal()) input_.close();
  } else if (written_ >= kCompactAt) {
    queue_.erase(0, written_);
    written_ = 0;
  }
  watch();
  events_.tell(&ProcessEvents::on_input_taken, static_cast<std::size_t>(count));
}

void LocalProcess::drop_input() {
  dropped_ += queue_.size() - written_;
  std::string{}.swap(queue_);
  written_ = 0;
  if (dropped_ > 0) call_soon();
}

void LocalProcess::call_soon() {
  if (!soon_) soon_ = launcher_.reaper_.clock().after(Duration{0}, [this] { soon(); });
}

void LocalProcess::soon() {
  soon_.reset();
  const bool drain = exited_ && on_terminal() && output_.fd && credit_ > 0;
  const bool closes = output_unwanted_ && !on_terminal() && output_.fd;
  if (dropped_ > 0) {
    if (drain || closes || input_closed_) call_soon();
    return events_.tell(&ProcessEvents::on_input_taken, std::exchange(dropped_, 0));
  }
  if (std::exchange(input_closed_, false) && !exited_) {
    if (closes) call_soon();
    return events_.tell(&ProcessEvents::on_input_closed);
  }
  if (closes) return stream_ended(OutputStream::standard);
  if (drain) read_from(OutputStream::standard);
}

void LocalProcess::exited(const ProcessEnd& end) {
  child_ = nullptr;
  exited_ = true;
  // As in sshd: whoever else holds the other end, nobody will want input any more.
  input_.close();
  drop_input();
  watch();
  if (on_terminal()) call_soon();
  events_.tell(&ProcessEvents::on_exit, end);
}

}  // namespace sallyport::child
