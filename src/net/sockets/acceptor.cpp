#include "net/sockets/acceptor.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace sallyport::net {

Result<> Acceptor::start(Fd listening) {
  fd_ = std::move(listening);
  if (auto opened = retry_.open(*this, uv_timer_init, loop_.uv()); !opened) return opened;
  if (auto opened = poll_.open(*this, uv_poll_init, loop_.uv(), fd_.get()); !opened) return opened;
  if (int rc = watch(); rc != 0) return fail(from_uv(rc, "watch listening socket"));
  return {};
}

int Acceptor::watch() { return uv_poll_start(poll_.get(), UV_READABLE, on_ready); }

void Acceptor::on_ready(uv_poll_t* uv, int, int) noexcept {
  for (int taken = 0; taken < kPerTurn; ++taken) {
    Acceptor* self = Poll::owner_of(uv->data);
    if (self == nullptr) return;  // the last connection's handler destroyed it
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Fd fd{accept4(self->fd_.get(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!fd) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return Poll::call(uv, [error_number = errno](Acceptor& acceptor) { acceptor.rest(error_number); });
      continue;  // that one connection failed before we got to it (ECONNABORTED and the network errors of accept(2))
    }
    const bool unix_socket = address.ss_family == AF_UNIX;
    const auto peer = unix_socket ? SocketAddress{} : SocketAddress{reinterpret_cast<sockaddr*>(&address), length};
    // With an exception that one connection goes; the others are still to be accepted.
    guard(uv->loop, [&] {
      const auto on_connection = self->handlers_.on_connection;  // a copy: it may destroy its acceptor
      on_connection(std::move(fd), peer);
    });
  }
}

void Acceptor::rest(int error_number) {
  // Neither can fail for handles that are open.
  static_cast<void>(uv_poll_stop(poll_.get()));
  static_cast<void>(uv_timer_start(retry_.get(), on_retry, static_cast<std::uint64_t>(kRetryDelay.count()), 0));
  if (const auto on_trouble = handlers_.on_trouble) on_trouble(from_errno(error_number, "accept"));
}

void Acceptor::on_retry(uv_timer_t* uv) noexcept {
  if (auto* self = Retry::owner_of(uv->data)) static_cast<void>(self->watch());
}

}  // namespace sallyport::net
