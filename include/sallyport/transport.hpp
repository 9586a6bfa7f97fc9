// The port between the connection protocol (mux) and an SSH transport (ssh, or a test's memory).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/account.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

namespace sallyport {

/// RFC 4253, 11.1.
enum class DisconnectReason : std::uint32_t {
  protocol_error = 2,
  service_not_available = 7,
  connection_lost = 10,
  by_application = 11,
  too_many_connections = 12,
  auth_cancelled_by_user = 13,
  no_more_auth_methods = 14,
};

/// What a transport tells its user. Every call is made on the loop's thread, from the loop, never inside a call of
/// Transport's, except that a call of *another* transport's send() may be on the stack.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  /// One message of types 80 to 100; `payload[0]` is the type. The bytes are gone when the call returns. The user
  /// may send on any transport and disconnect any transport, this one too, but must not destroy this one inside.
  virtual void on_message(ByteView payload) = 0;
  /// A packet of another type has come and been dealt with. Under the same conditions.
  virtual void on_other_message(std::uint8_t type) { static_cast<void>(type); }
  /// The backlog was above the high mark and has fallen to the low mark or below it.
  virtual void on_drained() = 0;
  /// The end, once; nothing comes after it. The user may destroy the transport inside by handing it to retire().
  virtual void on_closed(const Error& why) = 0;
};

/// An authenticated SSH connection that carries messages 80 to 100, in both roles.
class Transport {
 public:
  /// When more than this waits unsent, the transport counts as congested.
  static constexpr std::size_t kHighMark = 64 * 1024;
  static constexpr std::size_t kLowMark = 16 * 1024;

  virtual ~Transport() = default;
  /// Who gets the events. Must be set before the next turn of the loop; may be replaced, not by null.
  virtual void attach(TransportEvents* user) = 0;
  /// For whom everything is held that waits in here. When that account is over its bound by it, the transport ends.
  virtual void charge_to(std::shared_ptr<Account> account) { static_cast<void>(account); }
  /// Queues one message, made of `head` and `tail` one behind the other; `head[0]` is its type. Always succeeds: on a
  /// transport that has died the message is dropped and on_closed tells. Nothing is held back during a re-exchange
  /// of keys but by the transport itself. Calls nothing back.
  virtual void send(ByteView head, ByteView tail = {}) = 0;
  /// Bytes that were given to send() and that the kernel has not taken yet.
  virtual std::size_t backlog() const = 0;
  /// Bytes of output that there have been since the beginning, the backlog included.
  virtual std::uint64_t sent() const = 0;
  /// How many of those have reached the peer's host, which has acknowledged them: none of the backlog, nor what the kernel still
  /// has to send or to send again. It never falls. The kernel is asked once a turn at the most.
  virtual std::uint64_t acknowledged() = 0;
  /// The smallest round trip to the peer that has been seen; 0 where it isn't known. May be a second old.
  virtual std::chrono::microseconds round_trip() = 0;
  /// The largest TCP segment that is sent to the peer, in bytes; 0 where it isn't known. Its host may take some 40 ms to
  /// acknowledge a single one (RFC 1122, 4.2.3.2), which on the loopback are 64 KiB. May be a second old.
  virtual std::uint32_t segment() { return 0; }
  /// The identifier of the first key exchange (RFC 4253, 7.2), over which peers prove their keys; empty when there is none.
  virtual Bytes session_id() const { return {}; }
  /// Stops and resumes on_message; what is already on its way may still come. Not counted: two pauses need one resume.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Sends DISCONNECT with `text` behind what was sent before, and closes. on_closed follows on a later turn, with
  /// a bound on the time. Later sends are dropped.
  virtual void disconnect(DisconnectReason reason, std::string_view text) = 0;
};

}  // namespace sallyport
