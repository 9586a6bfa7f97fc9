// Connects to a host by name, without blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/sockets/address.hpp"
#include "net/sockets/resolver.hpp"

namespace sallyport::net {

/// A connected socket, non-blocking and close-on-exec, with the address that answered.
struct Connected {
  Fd fd;
  SocketAddress peer;
};

/// An attempt under way; destroying it gives it up, and its handler is not called any more.
class Connecting {
 public:
  virtual ~Connecting() = default;
};

/// Whether an address may be connected to; asked for each that a name has, before anything is sent there.
using PermitAddress = std::function<bool(const SocketAddress&)>;

/// Looks `host` up (a number needs no look-up) and tries its addresses one by one; `limit` covers all of it, and each
/// address gets its share of what is left. The look-up counts for `user`. Calls `done` once, from the loop; it may destroy the
/// Connecting. Fails with Errc::not_found, refused, timeout, io, or denied for an address that isn't permitted; of several
/// addresses the last one's failure counts. `resolver` outlives the attempt.
[[nodiscard]] std::unique_ptr<Connecting> connect_to(Resolver& resolver, std::string host, std::uint16_t port,
                                                     const std::string& user, Duration limit,
                                                     std::function<void(Result<Connected>)> done, PermitAddress permits = {});

}  // namespace sallyport::net
