// A forwarded connection's socket on the bastion.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sallyport/stream.hpp>
#include <sallyport/told_once.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/connector.hpp"
#include "net/sockets/lingering.hpp"

namespace sallyport::net {

/// A Unix socket, connected, non-blocking, close-on-exec.
struct LocalSocket {
  Fd fd;
  std::optional<ucred> sender;  ///< for send_some()
};

/// Stream over a TCP or Unix socket. May be destroyed at any time, also by its events.
class SocketStream final : public sallyport::Stream {
 public:
  /// Connects to a port of a host, as connect_to() does for the address's user. `resolver`, `lingering` and `events` outlive it.
  SocketStream(Resolver& resolver, Lingering& lingering, const StreamAddress& address, Duration limit, StreamEvents& events,
               PermitAddress permits = {});
  /// Takes over a socket that is connected and non-blocking; on_connected comes on a later turn.
  SocketStream(Loop& loop, Lingering& lingering, Fd connected, StreamEvents& events);
  /// Waits for a socket that `connect` makes: it calls its argument once, on a later turn, unless the Work has gone by then.
  using ConnectLater = std::function<std::unique_ptr<Work>(std::function<void(Result<LocalSocket>)>)>;
  SocketStream(Loop& loop, Lingering& lingering, const ConnectLater& connect, StreamEvents& events);
  /// Fails on a later turn.
  SocketStream(Loop& loop, Lingering& lingering, Error why, StreamEvents& events);
  ~SocketStream() override;

  void grant(std::size_t bytes) override;
  void write(ByteView bytes) override;
  std::size_t queued() const override { return queue_.size() - sent_; }
  void end_output() override;
  void end_input() override;
  void reset() override;

 private:
  using Poll = Handle<uv_poll_t, SocketStream>;
  enum class Output : std::uint8_t {
    open,
    ending,  ///< end_output() was called, and not everything has been sent, or its event has not been delivered
    ended,
    failed,  ///< the peer takes no more: what is written is dropped. Reading tells when it is over
  };

  SocketStream(Loop& loop, Lingering& lingering, StreamEvents& events);
  // Each calls the user's events at most once, and that last: the call may destroy *this.
  void begin(Result<Fd> connected);
  static void on_ready(uv_poll_t* uv, int status, int events) noexcept;
  void serve(int status, int events);
  void read_some();
  void write_some();
  void broken(const Error& why);

  /// Begins on a later turn.
  void begin_later(Result<Fd> connected);
  /// Gives the kernel what it takes.
  void flush();
  void fail_output();
  void watch();

  Loop& loop_;
  Lingering& lingering_;
  ToldOnce<StreamEvents> events_;
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Work> work_;  // which makes the socket
  std::optional<ucred> sender_;
  std::unique_ptr<Timer> beginning_;
  Fd fd_;  // before the watcher: it must be open when that closes
  Poll poll_;
  int watched_ = 0;  // events that the watcher waits for
  std::size_t credit_ = 0;
  std::string queue_;
  std::size_t sent_ = 0;  // of queue_'s front
  bool input_ended_ = false;
  bool input_unwanted_ = false;
  bool reset_ = false;
  Output output_ = Output::open;
};

/// Connects to a Unix socket, which never takes long: non-blocking, close-on-exec.
Result<Fd> connect_to_path(const std::string& path);
/// Two sockets that are each other's peers; non-blocking, close-on-exec.
Result<std::pair<Fd, Fd>> connected_pair();

}  // namespace sallyport::net
