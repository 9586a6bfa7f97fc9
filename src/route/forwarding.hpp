// Which destinations of forwarded connections are sound and allowed, and through which target they go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "route/router.hpp"

namespace sallyport::route {

/// Where a client wants a connection to: a port of a host, or a Unix socket. Whatever it sent.
struct Destination {
  std::string host;
  std::uint32_t port = 0;
  std::string path;  ///< of the socket; empty: it is a port
  bool is_socket = false;

  static Destination of_port(std::string_view host, std::uint32_t port) { return {std::string(host), port, {}, false}; }
  static Destination of_socket(std::string_view path) { return {{}, 0, std::string(path), true}; }
  /// "db:5432", "[::1]:80", "/run/app.sock"; to be escaped where it is shown.
  std::string text() const;
  bool operator==(const Destination&) const = default;
};

/// Reads what text() writes.
std::optional<Destination> parse_destination(std::string_view text);

/// What makes it no destination at all, whoever asks and whatever is allowed: a name with control characters, port 0, a path
/// that no socket can have. Absent when it is sound. The words may be told to the client.
std::optional<std::string_view> why_unsound(const Destination& destination);

/// Whether one of the patterns of `local_forwarding` (see config/forward_pattern.hpp) has the destination. On the name as
/// it was asked for: nothing is resolved.
bool is_allowed(const std::vector<std::string>& patterns, const Destination& destination);

/// A connection is not to be forwarded. `told` is for the client and short; `detail` tells the log which rule it was.
struct ForwardDenied {
  std::string told;
  std::string detail;
};

struct ForwardDecision {
  std::variant<ResolvedTarget, ForwardDenied> outcome;
  std::optional<std::size_t> rule;  ///< of the route's rules, as in ChannelDecision

  /// Through which the connection goes. Null when it was denied.
  const ResolvedTarget* target() const { return std::get_if<ResolvedTarget>(&outcome); }
  /// Null when it was not.
  const ForwardDenied* denied() const { return std::get_if<ForwardDenied>(&outcome); }
};

/// Where a forwarded connection of the login with `decision` goes: the route's rules for "direct-tcpip" and
/// "direct-streamlocal", then `local_forwarding` of the target that they lead to. Who makes the connection is `jump`
/// among that target's options.
ForwardDecision decide_forward(const Decision& decision, const Destination& destination);

/// The name of the request in `[[route.channel]]`.
std::string_view request_name(const Destination& destination);

}  // namespace sallyport::route
