// Reads the PROXY header of a connection, and nothing behind it.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/proxy_header.hpp"

namespace sallyport::net {

class ProxyGreeting {
 public:
  /// Gives the socket back, with the header taken off. Errc::protocol when there is none, Errc::timeout, Errc::closed or
  /// Errc::io. The greeting may be destroyed inside.
  using Done = std::function<void(Result<ProxyHeader> header, Fd fd)>;

  /// `fd` is a connected, non-blocking stream socket. `done` is called once, from the loop, never inside this call.
  /// Destroying the greeting closes the socket.
  ProxyGreeting(Loop& loop, Clock& clock, Fd fd, Duration limit, Done done);

 private:
  static void on_readable(uv_poll_t* uv, int status, int events) noexcept;
  void read();
  void finish(Result<ProxyHeader> header);

  Fd fd_;
  Done done_;
  Bytes taken_;
  Handle<uv_poll_t, ProxyGreeting> poll_;
  std::unique_ptr<Timer> deadline_;
};

}  // namespace sallyport::net
