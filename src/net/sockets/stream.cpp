#include "net/sockets/stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sallyport::net {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
// The front of the queue is cut off when that much of it has been sent, so that it isn't moved for each write.
constexpr std::size_t kCompactAt = 16 * 1024;

bool would_block(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR; }

}  // namespace

Result<std::unique_ptr<Stream>> Stream::open(Loop& loop, Fd fd, std::size_t write_limit, Handlers handlers) {
  std::unique_ptr<Stream> stream{new Stream{std::move(handlers), write_limit}};
  stream->fd_ = std::move(fd);
  if (auto opened = stream->poll_.open(*stream, uv_poll_init, loop.uv(), stream->fd_.get()); !opened) {
    return fail(std::move(opened.error()));
  }
  stream->watch();
  return stream;
}

bool Stream::write(ByteView bytes) {
  if (failed_ || finish_ != Finish::no) return true;
  if (queued() + bytes.size() > write_limit_) return false;
  queue_ += text_of(bytes);
  flush();
  watch();
  return true;
}

void Stream::finish() {
  if (finish_ == Finish::no) finish_ = Finish::wanted;
  // The watcher tells that the socket is writable, and on_ready does the rest: nothing is called back here.
  watch();
}

void Stream::pause() {
  paused_ = true;
  watch();
}

void Stream::resume() {
  paused_ = false;
  watch();
}

void Stream::watch() {
  if (!poll_) return;
  int events = 0;
  if (!paused_ && !input_ended_ && !failed_) events |= UV_READABLE;
  if (queued() > 0 || failed_ || finish_ == Finish::wanted) events |= UV_WRITABLE;
  // Neither can fail for a handle that is open.
  static_cast<void>(events == 0 ? uv_poll_stop(poll_.get()) : uv_poll_start(poll_.get(), events, on_ready));
}

void Stream::flush() {
  while (queued() > 0 && !failed_) {
    const ssize_t count = send(fd_.get(), queue_.data() + sent_, queued(), MSG_NOSIGNAL);
    if (count < 0) {
      // The failure is told from the loop: reading meets it as well, or the watcher finds failed_.
      if (!would_block(errno)) failed_ = true;
      break;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  if (failed_ || queued() == 0) {
    queue_.clear();
    sent_ = 0;
  } else if (sent_ >= kCompactAt) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
}

void Stream::on_ready(uv_poll_t* uv, int status, int events) noexcept {
  Poll::call(
      uv, [uv, status, events](Stream& self) { self.serve(uv, status, events); }, &Stream::broken);
}

void Stream::broken(const Error& why) {
  failed_ = true;
  end(why);
}

void Stream::serve(const uv_poll_t* uv, int status, int events) {
  // libuv has stopped the watcher when status is an error; the socket's own calls tell what it was.
  if (status != 0) events = UV_READABLE | UV_WRITABLE;
  if ((events & UV_WRITABLE) != 0) {
    flush();
    if (failed_ && !input_ended_) return end(Error{Errc::io, "write: the peer has gone"});
    if (finish_ == Finish::wanted && queued() == 0) {
      finish_ = Finish::done;
      static_cast<void>(shutdown(fd_.get(), SHUT_WR));  // a peer that has gone already needs none
      if (const auto on_finished = handlers_.on_finished) on_finished();
      if (Poll::owner_of(uv->data) == nullptr) return;
    }
  }
  if ((events & UV_READABLE) != 0 && !paused_ && !input_ended_) {
    if (!read_some()) return;
  }
  if (failed_ && input_ended_) {
    poll_.close();  // nothing is left to be told
    return;
  }
  watch();
}

// False when *this may have gone, or has ended.
bool Stream::read_some() {
  std::uint8_t buffer[kReadSize];
  const ssize_t count = recv(fd_.get(), buffer, sizeof buffer, 0);
  if (count > 0) {
    const void* cell = poll_.get()->data;
    const auto on_data = handlers_.on_data;  // a copy: it may destroy the stream
    on_data(ByteView{buffer, static_cast<std::size_t>(count)});
    return Poll::owner_of(const_cast<void*>(cell)) != nullptr;
  }
  if (count == 0) {
    end(Error{Errc::closed, "end of input"});
    return false;
  }
  if (would_block(errno)) return true;
  failed_ = true;
  end(from_errno(errno, "read"));
  return false;
}

void Stream::end(const Error& why) {
  input_ended_ = true;
  if (failed_) {
    poll_.close();
  } else {
    watch();
  }
  const auto on_end = std::exchange(handlers_.on_end, nullptr);
  if (on_end) on_end(why);
}

bool LineSplitter::feed(ByteView bytes) {
  buffer_ += text_of(bytes);
  // Complete lines are the caller's to take before the next feed; what counts is the part without an end.
  const auto last = buffer_.rfind('\n');
  const auto begun = last == std::string::npos ? buffer_.size() : buffer_.size() - last - 1;
  const auto first = buffer_.find('\n');
  return begun <= limit_ && (first == std::string::npos || first <= limit_);
}

bool LineSplitter::next(std::string& line) {
  const auto end = buffer_.find('\n');
  if (end == std::string::npos) return false;
  line.assign(buffer_, 0, end);
  if (line.ends_with('\r')) line.pop_back();
  buffer_.erase(0, end + 1);
  return true;
}

}  // namespace sallyport::net
