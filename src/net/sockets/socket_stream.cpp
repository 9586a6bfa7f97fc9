#include "net/sockets/socket_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/loop/uv_clock.hpp"

namespace sallyport::net {
namespace {

constexpr std::size_t kReadSize = 32 * 1024;
// The front of the queue is cut off when that much of it has been sent, so that it isn't moved for each write.
constexpr std::size_t kCompactAt = 64 * 1024;

bool would_block(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR; }

}  // namespace

Result<Fd> connect_to_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::limit, "connect to " + path + ": the path is too long");
  std::copy(path.begin(), path.end(), address.sun_path);
  Fd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail(from_errno(errno, "socket for " + path));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(from_errno(errno, "connect to " + path));
  return fd;
}

Result<std::pair<Fd, Fd>> connected_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return fail(from_errno(errno, "socketpair"));
  return std::pair(Fd(fds[0]), Fd(fds[1]));
}

SocketStream::SocketStream(Loop& loop, Lingering& lingering, StreamEvents& events)
    : loop_(loop), lingering_(lingering), events_(events) {}

SocketStream::SocketStream(Resolver& resolver, Lingering& lingering, const StreamAddress& address, Duration limit,
                           StreamEvents& events, PermitAddress permits)
    : SocketStream(resolver.loop(), lingering, events) {
  const auto connected = [this](Result<Connected> outcome) {
    connecting_.reset();
    if (!outcome) return begin(fail(std::move(outcome.error())));
    const int on = 1;  // as sshd does: whoever is forwarded has a reason for each of his packets
    static_cast<void>(setsockopt(outcome->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    begin(std::move(outcome->fd));
  };
  connecting_ = connect_to(resolver, address.host, address.port, address.user, limit, connected, std::move(permits));
}

SocketStream::SocketStream(Loop& loop, Lingering& lingering, Fd connected, StreamEvents& events)
    : SocketStream(loop, lingering, events) {
  begin_later(std::move(connected));
}

SocketStream::SocketStream(Loop& loop, Lingering& lingering, const ConnectLater& connect, StreamEvents& events)
    : SocketStream(loop, lingering, events) {
  work_ = connect([this](Result<LocalSocket> outcome) {
    work_.reset();
    if (!outcome) return begin(fail(std::move(outcome.error())));
    sender_ = outcome->sender;
    begin(std::move(outcome->fd));
  });
}

SocketStream::SocketStream(Loop& loop, Lingering& lingering, Error why, StreamEvents& events)
    : SocketStream(loop, lingering, events) {
  begin_later(fail(std::move(why)));
}

SocketStream::~SocketStream() {
  if (fd_ && !reset_ && queued() > 0) {
    poll_.close();  // one socket can't have two watchers
    queue_.erase(0, sent_);
    lingering_.add(std::move(fd_), std::move(queue_), sender_);
  }
}

void SocketStream::begin_later(Result<Fd> connected) {
  auto outcome = std::make_shared<Result<Fd>>(std::move(connected));
  beginning_ = UvClock(loop_).after(Duration::zero(), [this, outcome] {
    beginning_.reset();
    begin(std::move(*outcome));
  });
}

void SocketStream::begin(Result<Fd> connected) {
  if (!connected) return events_.end(&StreamEvents::on_failed, connected.error());
  fd_ = std::move(*connected);
  if (auto opened = poll_.open(*this, uv_poll_init, loop_.uv(), fd_.get()); !opened)
    return events_.end(&StreamEvents::on_failed, opened.error());
  watch();
  events_.tell(&StreamEvents::on_connected);
}

void SocketStream::grant(std::size_t bytes) {
  credit_ += bytes;
  watch();
}

void SocketStream::write(ByteView bytes) {
  if (output_ != Output::open || !fd_) return;
  queue_ += text_of(bytes);
  if (queued() == bytes.size()) flush();
  watch();
}

void SocketStream::end_output() {
  if (output_ == Output::open) output_ = Output::ending;
  // The watcher finds the socket writable, and does the rest: nothing is reported here.
  watch();
}

void SocketStream::end_input() {
  input_unwanted_ = true;
  // From here on reading finds what has come already, and then the end.
  if (fd_) static_cast<void>(shutdown(fd_.get(), SHUT_RD));
  watch();
}

void SocketStream::reset() {
  reset_ = true;
  if (fd_) reset_on_close(fd_.get());
}

void SocketStream::watch() {
  if (!poll_) return;
  int events = 0;
  if ((credit_ > 0 || input_unwanted_) && !input_ended_) events |= UV_READABLE;
  if (queued() > 0 || output_ == Output::ending || (output_ == Output::failed && input_ended_)) events |= UV_WRITABLE;
  if (events == watched_) return;  // libuv would make two system calls of it
  watched_ = events;
  // Neither can fail for a handle that is open.
  static_cast<void>(events == 0 ? uv_poll_stop(poll_.get()) : uv_poll_start(poll_.get(), events, on_ready));
}

void SocketStream::flush() {
  while (queued() > 0) {
    const ssize_t count = send_some(fd_.get(), queue_.data() + sent_, queued(), sender_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      if (!would_block(errno)) fail_output();
      break;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  if (queued() == 0) {
    // The memory too: an idle connection is to cost nothing for what it once was sent.
    std::string{}.swap(queue_);
    sent_ = 0;
  } else if (sent_ >= kCompactAt) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
}

void SocketStream::fail_output() {
  output_ = Output::failed;
  queue_.clear();
  sent_ = 0;
}

// libuv stops a watcher whose status is an error. What it was, the call on the socket itself tells.
void SocketStream::on_ready(uv_poll_t* uv, int status, int events) noexcept {
  Poll::call(
      uv, [status, events](SocketStream& self) { self.serve(status, events); }, &SocketStream::broken);
}

void SocketStream::serve(int status, int events) {
  if (status != 0) watched_ = 0;
  const bool wants_write = queued() > 0 || output_ == Output::ending || (output_ == Output::failed && input_ended_);
  // Output first, since it frees memory. The other event stands until it is served.
  if (wants_write && (status != 0 || (events & UV_WRITABLE) != 0)) return write_some();
  if ((credit_ > 0 || input_unwanted_) && !input_ended_) return read_some();
  watch();
}

void SocketStream::broken(const Error& why) {
  poll_.close();
  events_.end(&StreamEvents::on_broken, why);
}

void SocketStream::write_some() {
  const std::size_t before = queued();
  flush();
  if (output_ == Output::failed && input_ended_) {
    poll_.close();
    return events_.end(&StreamEvents::on_broken, Error{Errc::closed, "the peer takes no more"});
  }
  if (output_ == Output::ending && queued() == 0) {
    output_ = Output::ended;
    static_cast<void>(shutdown(fd_.get(), SHUT_WR));  // a peer that has gone already needs none
    watch();
    return events_.tell(&StreamEvents::on_output_end);
  }
  watch();
  if (queued() < before) events_.tell(&StreamEvents::on_sent);
}

void SocketStream::read_some() {
  std::uint8_t buffer[kReadSize];
  const ssize_t count = recv(fd_.get(), buffer, input_unwanted_ ? sizeof buffer : std::min(credit_, sizeof buffer), 0);
  if (count > 0 && input_unwanted_) return;
  if (count > 0) {
    credit_ -= static_cast<std::size_t>(count);
    watch();
    return events_.tell(&StreamEvents::on_received, ByteView{buffer, static_cast<std::size_t>(count)});
  }
  if (count < 0 && would_block(errno)) return watch();
  if (count < 0 || output_ == Output::failed) {
    const Error why = count < 0 ? from_errno(errno, "read") : Error{Errc::closed, "the peer takes no more"};
    poll_.close();
    return events_.end(&StreamEvents::on_broken, why);
  }
  input_ended_ = true;
  watch();
  events_.tell(&StreamEvents::on_input_end);
}

}  // namespace sallyport::net
