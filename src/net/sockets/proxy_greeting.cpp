#include "net/sockets/proxy_greeting.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "net/loop/error.hpp"

namespace sallyport::net {

ProxyGreeting::ProxyGreeting(Loop& loop, Clock& clock, Fd fd, Duration limit, Done done)
    : fd_(std::move(fd)), done_(std::move(done)) {
  auto opened = poll_.open(*this, uv_poll_init, loop.uv(), fd_.get());
  const int rc = opened ? uv_poll_start(poll_.get(), UV_READABLE, on_readable) : 0;
  if (opened && rc == 0) {
    deadline_ = clock.after(limit, [this] { finish(fail(Errc::timeout, "no PROXY header in time")); });
  } else {
    Error why = opened ? from_uv(rc, "poll a socket") : opened.error();
    deadline_ = clock.after(Duration::zero(), [this, why = std::move(why)] { finish(fail(why)); });
  }
}

void ProxyGreeting::on_readable(uv_poll_t* uv, int status, int) noexcept {
  Handle<uv_poll_t, ProxyGreeting>::call(
      uv,
      [status](ProxyGreeting& self) { status == 0 ? self.read() : self.finish(fail(from_uv(status, "read a PROXY header"))); },
      [](ProxyGreeting& self, const Error& why) { self.finish(fail(why)); });
}

// What is not the header's stays in the socket, for whoever reads next.
void ProxyGreeting::read() {
  std::array<std::uint8_t, kMaxProxyHeader> buffer;
  const ssize_t seen = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_PEEK);
  if (seen == 0) return finish(fail(Errc::closed, "the peer closed the connection in front of a PROXY header"));
  if (seen < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return finish(fail(from_errno(errno, "read a PROXY header")));
  }
  const std::size_t before = taken_.size();
  taken_.insert(taken_.end(), buffer.begin(), buffer.begin() + seen);
  auto parsed = parse_proxy_header(taken_);
  if (const auto* bad = std::get_if<ProxyHeaderBad>(&parsed)) return finish(fail(Errc::protocol, std::string(bad->why)));
  auto* header = std::get_if<ProxyHeader>(&parsed);
  const std::size_t mine = (header != nullptr ? header->length : taken_.size()) - before;
  taken_.resize(before + mine);
  if (::recv(fd_.get(), buffer.data(), mine, 0) != static_cast<ssize_t>(mine))
    return finish(fail(Errc::io, "what was seen of a PROXY header could not be read"));
  if (header != nullptr) finish(std::move(*header));
}

void ProxyGreeting::finish(Result<ProxyHeader> header) {
  poll_.close();
  deadline_.reset();
  if (const Done done = std::exchange(done_, nullptr)) done(std::move(header), std::move(fd_));
}

}  // namespace sallyport::net
