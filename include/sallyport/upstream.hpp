// The port between the pool of trunks (mux) and the making of upstream connections (ssh, or a test's script).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/transport.hpp>

namespace sallyport {

struct ResolvedTarget;  // route/: a target with every placeholder filled in for one user

/// Why there is no upstream connection. `told` is for the client: short, honest, without paths or other users' names.
struct UpstreamFailure {
  Errc code = Errc::io;
  std::string told;    ///< "target web1 can't be reached: connection refused"
  std::string detail;  ///< for the log
};

/// An upstream login under way; destroying it gives it up.
class UpstreamAttempt {
 public:
  virtual ~UpstreamAttempt() = default;
};

/// Receives the outcome of an attempt: exactly one of the two, from the loop, never inside connect().
class UpstreamEvents {
 public:
  virtual ~UpstreamEvents() = default;
  /// Looked up, connected, host key verified, logged in. The events of `transport` go nowhere until attach().
  virtual void on_connected(std::unique_ptr<Transport> transport) = 0;
  virtual void on_connect_failed(const UpstreamFailure& why) = 0;
};

/// An attempt whose connection is carried by somebody else: what is written to `carrier` reaches the attempt, and the other
/// way round.
struct CarriedAttempt {
  std::unique_ptr<UpstreamAttempt> attempt;
  std::unique_ptr<Stream> carrier;
};

/// Makes upstream connections: name look-up, TCP, handshake, host key check, login, all within the target's connect_timeout.
class UpstreamConnector {
 public:
  virtual ~UpstreamConnector() = default;
  [[nodiscard]] virtual std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, UpstreamEvents& events) = 0;
  /// The same without a connection of its own: the handshake with the target is made over the carrier.
  [[nodiscard]] virtual CarriedAttempt connect_over(const ResolvedTarget& target, UpstreamEvents& events,
                                                    StreamEvents& carrier_events) = 0;
};

}  // namespace sallyport
