#include "net/sockets/lingering.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sallyport::net {

void reset_on_close(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));  // a Unix socket ignores it
}

Lingering::Lingering(Loop& loop, Duration time_limit, std::size_t memory_limit)
    : loop_(loop), clock_(loop), time_limit_(time_limit), memory_limit_(memory_limit) {}

Lingering::~Lingering() = default;

ssize_t send_some(int fd, const char* bytes, std::size_t count, const std::optional<ucred>& sender) {
  if (!sender) return send(fd, bytes, count, MSG_NOSIGNAL);
  iovec data{const_cast<char*>(bytes), count};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(ucred));
  std::memcpy(CMSG_DATA(header), &*sender, sizeof(ucred));
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

void Lingering::add(Fd fd, std::string rest, const std::optional<ucred>& sender) {
  auto socket = std::make_unique<Socket>();
  socket->owner = this;
  socket->rest = std::move(rest);
  socket->sender = sender;
  socket->fd = std::move(fd);
  bytes_ += socket->rest.size();
  Socket& added = *sockets_.emplace_back(std::move(socket));
  if (!added.poll.open(added, uv_poll_init, loop_.uv(), added.fd.get())) return give_up(added);
  static_cast<void>(uv_poll_start(added.poll.get(), UV_WRITABLE, on_ready));  // can't fail for an open handle
  added.limit = clock_.after(time_limit_, [this, &added] { give_up(added); });
  while (bytes_ > memory_limit_) give_up(*sockets_.front());
}

void Lingering::on_ready(uv_poll_t* uv, int, int) noexcept {
  Handle<uv_poll_t, Socket>::call(
      uv, [](Socket& socket) { socket.owner->serve(socket); },
      [](Socket& socket, const Error&) { socket.owner->give_up(socket); });
}

void Lingering::serve(Socket& socket) {
  while (socket.sent < socket.rest.size()) {
    const ssize_t count =
        send_some(socket.fd.get(), socket.rest.data() + socket.sent, socket.rest.size() - socket.sent, socket.sender);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) break;
    socket.sent += static_cast<std::size_t>(count);
  }
  remove(socket);
}

void Lingering::give_up(Socket& socket) {
  reset_on_close(socket.fd.get());
  remove(socket);
}

void Lingering::remove(Socket& socket) {
  const auto place =
      std::find_if(sockets_.begin(), sockets_.end(), [&socket](const auto& entry) { return entry.get() == &socket; });
  if (place == sockets_.end()) return;
  bytes_ -= socket.rest.size();
  sockets_.erase(place);
}

}  // namespace sallyport::net
