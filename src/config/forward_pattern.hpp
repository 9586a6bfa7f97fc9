// What local_forwarding and remote_forwarding are lists of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::config {

/// One destination, or many: `*` is everything; `HOST:PORTS` are ports of hosts, where HOST is a glob (an IPv6 address in
/// brackets) and PORTS a number, a range such as `8000-8100`, or `*`; `/PATH` is a glob on the path of a Unix socket.
struct ForwardPattern {
  enum class Kind : std::uint8_t { everything, ports, socket };
  Kind kind = Kind::everything;
  std::string text;  ///< a glob on the host, without brackets and in lower case, or on the path
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
};

inline constexpr std::string_view kForwardPatternExpected =
    "\"HOST:PORT\" (globs, \"8000-8100\" or \"*\" as port, IPv6 in brackets), \"/PATH\" of a socket, or \"*\" for everything";

/// Nothing when it is none of these.
std::optional<ForwardPattern> parse_forward_pattern(std::string_view text);

/// Whether the pattern has the port of that host. Upper and lower case are the same, and so are two ways to write one address.
bool matches_port(const ForwardPattern& pattern, std::string_view host, std::uint32_t port);
/// Whether the pattern has the socket.
bool matches_socket(const ForwardPattern& pattern, std::string_view path);

}  // namespace sallyport::config
