// Socket addresses as values and as text.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::net {

/// An IPv4 or IPv6 address with a port.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t length);

  /// "127.0.0.1:22" or "[::1]:22": numbers only. Fails with Errc::config.
  static Result<SocketAddress> parse(std::string_view text);
  /// From a numeric host without brackets. Fails with Errc::not_found, so that a name look-up may be tried.
  static Result<SocketAddress> from_numbers(const std::string& host, std::uint16_t port);
  /// The socket's own end and its peer's.
  static Result<SocketAddress> local_of(int fd);
  static Result<SocketAddress> peer_of(int fd);

  /// Whether a TCP connection to this address, as the kernel takes it, would arrive at a socket that listens at `listening`, one
  /// that takes no IPv4 when it is bound to an IPv6 address. The unspecified address leads to this machine, an IPv4 address
  /// mapped into IPv6 is one of IPv4, and whoever listens at the unspecified address is reached by all addresses that are this
  /// machine's. True as well when that can't be found out.
  bool arrives_at(const SocketAddress& listening) const;

  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  /// The host's number: "127.0.0.1", "::1". An IPv4 address that came mapped into IPv6 is shown as IPv4.
  std::string host() const;
  /// "127.0.0.1:22" or "[::1]:22".
  std::string text() const;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace sallyport::net
