#include "net/sockets/listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sallyport::net {
namespace {

// Held by the kernel while accepting lags; it is cut to net.core.somaxconn anyway.
constexpr int kBacklog = 1024;

int switch_on(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Errc::config, "a Unix socket's path has 1 to 107 characters: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<> remove_stale_socket(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail(from_errno(errno, "look at " + path));
  }
  if (!S_ISSOCK(status.st_mode)) return fail(Errc::io, path + " is there and is not a socket");
  auto alive = connect_unix(path);
  if (alive || alive.error().code == Errc::unavailable) return fail(Errc::io, path + " is in use by another process");
  // Only a refused connection proves that nobody listens; whatever else went wrong is no reason to remove a file.
  if (alive.error().code != Errc::refused) return fail(std::move(alive.error()));
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail(from_errno(errno, "remove stale socket " + path));
  return {};
}

Result<Fd> bound_socket(const std::string& text) {
  const auto address = SocketAddress::parse(text);
  if (!address) return fail(address.error());
  Fd fd{socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail(from_errno(errno, "socket for " + text));
  if (switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR) != 0) return fail(from_errno(errno, "SO_REUSEADDR for " + text));
  if (address->family() == AF_INET6 && switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) != 0) {
    return fail(from_errno(errno, "IPV6_V6ONLY for " + text));
  }
  if (bind(fd.get(), address->get(), address->length()) != 0) return fail(from_errno(errno, "bind " + text));
  return fd;
}

}  // namespace

Result<> check_address(const std::string& address) {
  const auto fd = bound_socket(address);
  return fd ? Result<>{} : Result<>(fail(fd.error()));
}

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const std::string& text, AcceptHandlers handlers) {
  auto made = bound_socket(text);
  if (!made) return fail(std::move(made.error()));
  Fd fd = std::move(*made);
  if (listen(fd.get(), kBacklog) != 0) return fail(from_errno(errno, "listen on " + text));
  auto bound = SocketAddress::local_of(fd.get());
  if (!bound) return fail(std::move(bound.error()));

  std::unique_ptr<Listener> listener{new Listener{loop, std::move(handlers)}};
  listener->address_ = *bound;
  if (auto started = listener->acceptor_.start(std::move(fd)); !started) return fail(std::move(started.error()));
  return listener;
}

UnixListener::UnixListener(Loop& loop, const std::string& path, Handlers handlers)
    : path_(path),
      acceptor_(loop, {[on_connection = std::move(handlers.on_connection)](Fd fd, const SocketAddress&) {
                         ucred credentials{};
                         socklen_t length = sizeof credentials;
                         // Without credentials there is no deciding about the peer: the connection is dropped.
                         if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return;
                         on_connection(std::move(fd), {credentials.uid, credentials.gid, credentials.pid});
                       },
                       std::move(handlers.on_trouble)}) {}

UnixListener::~UnixListener() {
  struct stat status {};
  if (inode_ == 0 || lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

Result<std::unique_ptr<UnixListener>> UnixListener::open(Loop& loop, const std::string& path, Handlers handlers) {
  const auto address = unix_address(path);
  if (!address) return fail(address.error());
  if (auto removed = remove_stale_socket(path); !removed) return fail(std::move(removed.error()));
  Fd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail(from_errno(errno, "socket for " + path));
  // Before bind: Linux gives the file the mode of the socket's inode, so that it is never open to others. The umask
  // would do too, but it belongs to all threads.
  if (fchmod(fd.get(), 0600) != 0) return fail(from_errno(errno, "mode of " + path));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return fail(from_errno(errno, "bind " + path));
  }
  std::unique_ptr<UnixListener> listener{new UnixListener{loop, path, std::move(handlers)}};
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return fail(from_errno(errno, "look at " + path));
  listener->device_ = status.st_dev;
  listener->inode_ = status.st_ino;
  if ((status.st_mode & 0077) != 0) return fail(Errc::io, path + " can't be made private");
  if (listen(fd.get(), kBacklog) != 0) return fail(from_errno(errno, "listen on " + path));
  if (auto started = listener->acceptor_.start(std::move(fd)); !started) return fail(std::move(started.error()));
  return listener;
}

Result<Fd> connect_unix(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return fail(address.error());
  Fd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail(from_errno(errno, "socket for " + path));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    if (errno == EAGAIN) return fail(Errc::unavailable, "connect to " + path + ": the listener is busy");
    return fail(from_errno(errno, "connect to " + path));
  }
  return fd;
}

}  // namespace sallyport::net
