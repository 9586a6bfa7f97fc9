// The control socket.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "control/request_handler.hpp"
#include "log/logger.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/listener.hpp"

namespace sallyport::control {

/// Whether a process of `peer` may use the socket of a daemon that runs as `own`: the same user and root may. The
/// socket's mode says the same; this holds even when somebody has changed that.
[[nodiscard]] constexpr bool may_control(uid_t peer, uid_t own) { return peer == own || peer == 0; }

/// Bounds on what a control client may use.
struct ServerLimits {
  std::size_t clients = 32;
  std::size_t request_bytes = 64 * 1024;
  std::size_t unread_bytes = 16 * 1024 * 1024;  ///< responses that a client hasn't taken
  Duration idle = std::chrono::seconds(60);     ///< without a complete request, or without reading a response
};

/// Listens on a Unix socket of mode 0600 and gives each client's requests to the handler, one at a time and in order.
/// Destroying it drops every client.
class Server {
 public:
  /// The arguments must outlive the server. Errors are those of net::UnixListener::open.
  static Result<std::unique_ptr<Server>> open(net::Loop& loop, Clock& clock, const std::string& path, RequestHandler& handler,
                                              log::Logger& log, ServerLimits limits = {});
  /// A server without a socket of its own, for tests.
  Server(net::Loop& loop, Clock& clock, RequestHandler& handler, log::Logger& log, ServerLimits limits);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes a connected, non-blocking socket with `peer` at its other end.
  void accept(net::Fd fd, const net::PeerCredentials& peer);

  std::size_t clients() const { return clients_.size(); }

 private:
  class Client;
  void drop(Client& client);

  net::Loop& loop_;
  Clock& clock_;
  RequestHandler& handler_;
  log::Logger& log_;
  const ServerLimits limits_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<net::UnixListener> listener_;
};

}  // namespace sallyport::control
