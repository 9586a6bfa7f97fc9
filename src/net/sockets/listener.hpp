// Listening sockets: TCP and Unix.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "net/sockets/acceptor.hpp"

namespace sallyport::net {

/// A TCP socket that listens. Destroying it stops.
class Listener {
 public:
  /// Listens on a numeric "host:port"; port 0 takes a free one. An IPv6 socket takes IPv6 only. The handlers run
  /// from the loop, never inside this call. Fails with Errc::config for a bad address, Errc::io for a busy port.
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const std::string& address, AcceptHandlers handlers);

  /// Where it listens, with the port that was bound.
  const SocketAddress& address() const { return address_; }

 private:
  Listener(Loop& loop, AcceptHandlers handlers) : acceptor_(loop, std::move(handlers)) {}

  SocketAddress address_;
  Acceptor acceptor_;
};

/// Whether this machine has the address of a numeric "host:port", so that one may listen there; on port 0 whatever else listens.
Result<> check_address(const std::string& address);

/// Who is at the other end of a Unix socket, as the kernel knows it.
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

/// A Unix socket of mode 0600. Destroying it stops, and removes the socket's file if it is still this socket's.
class UnixListener {
 public:
  struct Handlers {
    std::function<void(Fd fd, const PeerCredentials& peer)> on_connection;
    std::function<void(const Error& why)> on_trouble;
  };

  /// A socket file that nobody listens on any more is replaced; a live one, or a file of another kind, is an error.
  static Result<std::unique_ptr<UnixListener>> open(Loop& loop, const std::string& path, Handlers handlers);
  ~UnixListener();

 private:
  UnixListener(Loop& loop, const std::string& path, Handlers handlers);

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  Acceptor acceptor_;
};

/// Connects to a Unix socket. Never waits: a listener whose queue is full is Errc::unavailable. Non-blocking,
/// close-on-exec.
Result<Fd> connect_unix(const std::string& path);

}  // namespace sallyport::net
