// What local_forwarding and remote_forwarding are lists of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "match/match.hpp"

namespace sallyport::config {

/// One destination, or many: `*` is everything; `HOST:PORTS` are ports of hosts, where PORTS is a number, a range such as
/// `8000-8100`, or `*`; `/PATH` is a glob on the path of a Unix socket. A HOST is
///
/// - `*`, which is every host; or
/// - a network (`10.0.0.0/8`, `[2001:db8::]/32`) or an address (an IPv6 address in brackets), perhaps with wildcards
///   (`10.0.0.*`): it has addresses alone; or
/// - a glob on names (`*.internal`), which has no address.
struct ForwardPattern {
  enum class Kind : std::uint8_t { everything, sockets, hosts, names, addresses, network };
  Kind kind = Kind::everything;
  std::string text;  ///< a glob on the host, without brackets and in lower case, or on the path
  Network network;   ///< in place of it
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
};

inline constexpr std::string_view kForwardPatternExpected =
    "\"HOST:PORT\" (globs, networks, \"8000-8100\" or \"*\" as port, IPv6 in brackets), \"/PATH\" of a socket, or \"*\" for "
    "everything";

/// Nothing when it is none of these.
std::optional<ForwardPattern> parse_forward_pattern(std::string_view text);

/// Whether the pattern has the port of that host. Upper and lower case are the same, and so are all ways to write one address;
/// see address_of_host(). No name is looked up.
bool matches_port(const ForwardPattern& pattern, std::string_view host, std::uint32_t port);
/// Whether the pattern has the socket.
bool matches_socket(const ForwardPattern& pattern, std::string_view path);

}  // namespace sallyport::config
