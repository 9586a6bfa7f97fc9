// Accepts connections of a listening socket, whatever its family.
#pragma once

#include <functional>

#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/address.hpp"

namespace sallyport::net {

/// What an acceptor tells. Both may destroy the acceptor.
struct AcceptHandlers {
  /// A connection: non-blocking, close-on-exec. `peer` is empty for a Unix socket.
  std::function<void(Fd fd, const SocketAddress& peer)> on_connection;
  /// Accepting failed for want of descriptors or memory and is tried again after kRetryDelay; for the log.
  std::function<void(const Error& why)> on_trouble;
};

/// Owns a listening socket and hands out its connections.
class Acceptor {
 public:
  /// Connections taken in one turn of the loop, so that a storm of them doesn't starve open sessions.
  static constexpr int kPerTurn = 16;
  /// How long accepting rests when descriptors have run out: the connections wait in the kernel's queue, and the
  /// loop doesn't spin over a socket that stays readable.
  static constexpr Duration kRetryDelay{100};

  Acceptor(Loop& loop, AcceptHandlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// `listening` must be non-blocking and listening.
  Result<> start(Fd listening);
  int fd() const { return fd_.get(); }

 private:
  using Poll = Handle<uv_poll_t, Acceptor>;
  using Retry = Handle<uv_timer_t, Acceptor>;

  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  static void on_retry(uv_timer_t* uv) noexcept;
  int watch();
  void rest(int error_number);

  Loop& loop_;
  AcceptHandlers handlers_;
  Fd fd_;  // before the handles: it must be open when they close
  Poll poll_;
  Retry retry_;
};

}  // namespace sallyport::net
