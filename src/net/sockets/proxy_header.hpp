// The header that a load balancer puts in front of a connection, to say for whom it is: the PROXY protocol, versions 1 and 2
// (haproxy's proxy-protocol.txt).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <sallyport/bytes.hpp>

namespace sallyport::net {

/// A header, read.
struct ProxyHeader {
  struct Peer {
    std::string address;  ///< literal, without brackets
    std::uint16_t port = 0;
    bool operator==(const Peer&) const = default;
  };
  std::size_t length = 0;  ///< what follows is the client's
  /// The client and what it connected to. Absent: the balancer speaks for itself, as in a health check ("LOCAL", "UNKNOWN").
  std::optional<Peer> source;
  std::optional<Peer> destination;
};

/// All of what is there belongs to a header, whose rest is still to come.
struct ProxyHeaderIncomplete {};
/// It is none.
struct ProxyHeaderBad {
  std::string_view why;
};

/// No header is longer; the extensions of version 2 are skipped.
inline constexpr std::size_t kMaxProxyHeader = 2048;

std::variant<ProxyHeader, ProxyHeaderIncomplete, ProxyHeaderBad> parse_proxy_header(ByteView bytes);

}  // namespace sallyport::net
