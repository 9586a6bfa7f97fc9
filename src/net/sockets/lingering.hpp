// Sockets whose owner has gone while something was still to be sent.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/clock.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"

namespace sallyport::net {

/// Sends the rest and closes them. What takes too long, or too much memory in all, is dropped and the peer told by a reset.
class Lingering {
 public:
  static constexpr Duration kTimeLimit = std::chrono::seconds(30);
  static constexpr std::size_t kMemoryLimit = 16 * 1024 * 1024;

  /// `loop` outlives it.
  explicit Lingering(Loop& loop, Duration time_limit = kTimeLimit, std::size_t memory_limit = kMemoryLimit);
  ~Lingering();
  Lingering(const Lingering&) = delete;
  Lingering& operator=(const Lingering&) = delete;

  /// Takes over a connected, non-blocking socket and the bytes that it is still to send, as `sender` (see send_some()).
  void add(Fd fd, std::string rest, const std::optional<ucred>& sender = std::nullopt);
  std::size_t count() const { return sockets_.size(); }

 private:
  struct Socket {
    Lingering* owner = nullptr;
    std::string rest;
    std::optional<ucred> sender;
    std::size_t sent = 0;
    Fd fd;  // before the watcher: it must be open when that closes
    Handle<uv_poll_t, Socket> poll;
    std::unique_ptr<Timer> limit;
  };

  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  void serve(Socket& socket);
  void give_up(Socket& socket);
  void remove(Socket& socket);

  Loop& loop_;
  UvClock clock_;
  const Duration time_limit_;
  const std::size_t memory_limit_;
  std::size_t bytes_ = 0;
  std::list<std::unique_ptr<Socket>> sockets_;  // oldest first
};

/// send(2) without SIGPIPE. To a Unix socket whose peer asks who has sent each message (SO_PASSCRED) it is `sender`, where there
/// is one, and not this process; for that, it takes root.
ssize_t send_some(int fd, const char* bytes, std::size_t count, const std::optional<ucred>& sender);

/// Makes closing the socket a reset: its peer sees an error and no end. Nothing for sockets that know none.
void reset_on_close(int fd);

}  // namespace sallyport::net
