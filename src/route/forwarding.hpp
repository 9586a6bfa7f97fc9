// Which destinations of forwarded connections are sound, and which the options of a target allow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "route/resolved_target.hpp"

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

/// Whether one of the patterns of `local_forwarding` (see match/forward_pattern.hpp) has the destination. On the name as
/// it was asked for: nothing is resolved.
bool is_allowed(const std::vector<std::string>& patterns, const Destination& destination);

/// Why the options of a target keep a connection from being forwarded. `told` is for the client and short.
struct ForwardObjection {
  std::string told;
  std::string detail;
  std::string_view key;  ///< of the configuration: "local_forwarding", "jump", "kind"
};

/// Whether connections may be forwarded to a sound destination through the target: its `local_forwarding`, and whether there is
/// anybody to make them (see Jump). Nothing when they may.
std::optional<ForwardObjection> why_not_forwarded(const ResolvedTarget& target, const Destination& destination);

}  // namespace sallyport::route
