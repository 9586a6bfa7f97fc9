#include "route/forwarding.hpp"

#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "match/forward_pattern.hpp"
#include "match/names.hpp"

namespace sallyport::route {
namespace {

constexpr std::size_t kMaximumHostLength = 255;
constexpr std::uint32_t kMaximumPort = 65535;
/// With its terminating zero, a path must fit into what the system's calls take.
constexpr std::size_t kMaximumPathLength = sizeof(sockaddr_un::sun_path) - 1;

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

/// A glob that allows a folder must not allow what is reached by leaving it.
bool climbs(std::string_view path) { return path.find("/../") != std::string_view::npos || path.ends_with("/.."); }

}  // namespace

std::string Destination::text() const {
  if (is_socket) return path;
  const bool needs_brackets = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", needs_brackets ? "[" : "", host, needs_brackets ? "]" : "", port);
}

std::optional<Destination> parse_destination(std::string_view text) {
  if (text.starts_with('/')) return Destination::of_socket(text);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::uint32_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return Destination::of_port(host, port);
}

std::optional<std::string_view> why_unsound(const Destination& destination) {
  if (destination.is_socket) {
    const std::string& path = destination.path;
    if (path.empty()) return "an empty socket path";
    if (path.size() > kMaximumPathLength) return "the socket path is too long";
    if (path.front() != '/') return "the socket path is not absolute";
    if (has_control_characters(path)) return "the socket path has control characters";
    if (climbs(path)) return "the socket path has '..' in it";
    return std::nullopt;
  }
  if (destination.host.empty()) return "an empty host name";
  if (destination.host.size() > kMaximumHostLength) return "the host name is too long";
  if (!config::is_safe_host(destination.host)) return "the host name has characters that none has";
  if (destination.port == 0) return "port 0";
  if (destination.port > kMaximumPort) return "a port above 65535";
  return std::nullopt;
}

bool is_allowed(const std::vector<std::string>& patterns, const Destination& destination) {
  return std::any_of(patterns.begin(), patterns.end(), [&destination](const std::string& text) {
    const auto pattern = config::parse_forward_pattern(text);
    if (!pattern) return false;
    return destination.is_socket ? matches_socket(*pattern, destination.path)
                                 : matches_port(*pattern, destination.host, destination.port);
  });
}

std::optional<ForwardObjection> why_not_forwarded(const ResolvedTarget& target, const Destination& destination) {
  const std::vector<std::string>& patterns = target.options.local_forwarding;
  if (patterns.empty()) return ForwardObjection{"forwarding is not allowed", "local_forwarding is empty", "local_forwarding"};
  if (!is_allowed(patterns, destination))
    return ForwardObjection{"forwarding to this destination is not allowed",
                            fmt::format("not in local_forwarding ({})", fmt::join(patterns, ", ")), "local_forwarding"};
  const Jump jump = target.options.jump;
  if (jump == Jump::target && target.kind == TargetKind::local)
    return ForwardObjection{"forwarding is not allowed",
                            fmt::format("target {} is the bastion itself, and jump is not \"direct\"", target.name), "kind"};
  if (jump == Jump::terminate && (destination.is_socket || !config::is_safe_target(destination.host)))
    return ForwardObjection{"this is not the name of a target", "jump is \"terminate\"", "jump"};
  return std::nullopt;
}

}  // namespace sallyport::route
