// The port between a forwarded channel (mux) and a socket of the bastion's own (net and app, or a test's script).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

namespace sallyport {

/// Whose rights are needed at a Unix socket: those that a program of the same target would run with.
struct SocketAccount {
  std::string user;  ///< empty: the daemon's own
  LocalLogin login;
};

/// Where a stream leads: a port of a host, or a Unix socket.
struct StreamAddress {
  std::string host;  ///< a name or a literal address, without brackets
  std::uint16_t port = 0;
  std::string path;  ///< of the socket; empty: it is a port
  /// Of the socket. Absent: none is configured, and a daemon that is root connects to none then.
  std::optional<SocketAccount> account = std::nullopt;
  std::string user = {};  ///< for whom: what it costs to find the host counts for them
};

/// What a stream tells its user; from the loop, never inside a call of Stream's. The stream may be destroyed in each.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  /// It is connected; on_failed comes in its place when it can't be.
  virtual void on_connected() = 0;
  /// Errc::not_found, refused, timeout, denied, limit or io. Nothing follows.
  virtual void on_failed(const Error& why) = 0;
  /// Never more in all than was granted. The bytes are gone when the call returns.
  virtual void on_received(ByteView bytes) = 0;
  /// The peer sends no more.
  virtual void on_input_end() = 0;
  /// queued() has become less.
  virtual void on_sent() = 0;
  /// After end_output(): everything has been given to the kernel.
  virtual void on_output_end() = 0;
  /// The connection was lost, or reset by the peer. Nothing follows.
  virtual void on_broken(const Error& why) = 0;
};

/// A connected socket, or one that is being connected. Destroying it closes it; what was written is still sent in the
/// background, within a limit in time and memory.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Input that may come, in bytes, on top of what was granted before.
  virtual void grant(std::size_t bytes) = 0;
  /// Sends, or queues what can't be sent now. The caller bounds what it gives by queued(). Once connected, and not
  /// after end_output().
  virtual void write(ByteView bytes) = 0;
  /// Bytes that have been written and not been taken by the kernel.
  virtual std::size_t queued() const = 0;
  /// Half-closes behind what is queued.
  virtual void end_output() = 0;
  /// Nothing that the peer sends is wanted any more: it is dropped, and soon not read. on_input_end follows.
  virtual void end_input() = 0;
  /// Drops what is queued and lets the peer know, if its protocol has a way, that it hasn't got everything. The stream
  /// can then only be destroyed.
  virtual void reset() = 0;
};

/// A client that comes through a channel of another client's, instead of through a listening socket.
struct InnerClient {
  ConnectionId outer{};  ///< the connection whose channel it is
  std::string source;    ///< the address and the port of that connection's client
  std::uint16_t source_port = 0;
  std::string asked_target;  ///< what it gets when its login name has no target
};

/// Makes streams.
class StreamConnector {
 public:
  virtual ~StreamConnector() = default;
  /// Looks the name up and connects, all within `limit`. To a socket it connects with the rights of `address.account`, by a path
  /// without symbolic links; sockets of the daemon's own are refused (Errc::denied).
  [[nodiscard]] virtual std::unique_ptr<Stream> connect(const StreamAddress& address, Duration limit, StreamEvents& events) = 0;
  /// Connects to Sallyport itself: what is written there is a new client's connection, with its own key exchange and
  /// login. Errc::limit when no more may come in.
  [[nodiscard]] virtual std::unique_ptr<Stream> enter(const InnerClient& client, StreamEvents& events) = 0;
};

}  // namespace sallyport
