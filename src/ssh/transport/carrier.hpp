// Another way to a target than a TCP connection: a program, a channel of another connection.
#pragma once

#include <functional>
#include <string>

#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"

namespace sallyport::ssh {

/// Gives a ClientConnection its socket, and lives as long as the connection that comes of it.
class Carrier {
 public:
  virtual ~Carrier() = default;
  /// Calls `done` once, from the loop, with a connected, non-blocking stream socket; not after the carrier has been
  /// destroyed, which may happen inside.
  virtual void open(std::function<void(Result<net::Fd>)> done) = 0;
  /// What a client is told when there is no socket, or when it ends before the target has identified itself: "its proxy
  /// command failed".
  virtual std::string failure_told() const = 0;
};

}  // namespace sallyport::ssh
