#include "ctl/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

namespace sallyport::ctl {
namespace {

using Clock = std::chrono::steady_clock;

/// More than any daemon of ours sends; beyond it, something else is at the other end.
constexpr std::size_t kResponseLimit = 64 * 1024 * 1024;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Failure failure(const std::string& socket, int error_number) {
  switch (error_number) {
    case ENOENT:
      return fail(Errc::not_found, "no control socket at " + socket + ": is sallyportd running? (-s names another socket)");
    case ECONNREFUSED: return fail(Errc::refused, "nobody listens on " + socket + ": sallyportd isn't running");
    case EACCES:
    case EPERM: return fail(Errc::denied, "permission denied: " + socket + " is for sallyportd's own user and root only");
    case EAGAIN: return fail(Errc::unavailable, "sallyportd is too busy to answer on " + socket);
    case EPIPE:
    case ECONNRESET: return fail(Errc::closed, "sallyportd closed the connection");
    default: return fail(Errc::io, socket + ": " + std::system_category().message(error_number));
  }
}

/// Waits until the socket is ready for `events`; false when the deadline comes first.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{fd, events, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::min<std::chrono::milliseconds::rep>(left.count(), 60'000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return true;  // the next call on the socket tells
  }
}

}  // namespace

Result<std::string> ask(const std::string& socket, std::string_view request, std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const auto timed_out = [] { return fail(Errc::timeout, "sallyportd did not answer in time (--timeout)"); };

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) {
    return fail(Errc::config, "the socket's path is empty or too long: " + socket);
  }
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const Socket connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connection.get() < 0) return failure(socket, errno);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure(socket, errno);
  }

  std::string line(request);
  line += '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::send(connection.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (!wait_for(connection.get(), POLLOUT, deadline)) return timed_out();
    } else if (errno == EPIPE || errno == ECONNRESET) {
      break;  // it may have said why before it closed
    } else if (errno != EINTR) {
      return failure(socket, errno);
    }
  }

  std::string response;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t count = ::recv(connection.get(), buffer, sizeof buffer, 0);
    if (count > 0) {
      const std::string_view got(buffer, static_cast<std::size_t>(count));
      const std::size_t end = got.find('\n');
      response += got.substr(0, end);
      if (end != std::string_view::npos) return response;
      if (response.size() > kResponseLimit) return fail(Errc::limit, "the answer is too long");
    } else if (count == 0) {
      return failure(socket, ECONNRESET);
    } else if (errno == EAGAIN) {
      if (!wait_for(connection.get(), POLLIN, deadline)) return timed_out();
    } else if (errno != EINTR) {
      return failure(socket, errno);
    }
  }
}

}  // namespace sallyport::ctl
