#include "route/listening.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "match/match.hpp"

namespace sallyport::route {
namespace {

constexpr std::array<std::string_view, 3> kLoopback{"localhost", "127.0.0.1", "::1"};
constexpr std::array<std::string_view, 4> kEverywhere{"", "*", "0.0.0.0", "::"};

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<std::string_view> why_unlistenable(const Destination& address) {
  if (address.is_socket || (address.port != 0 && !has(kEverywhere, address.host))) return why_unsound(address);
  // What an empty host or port 0 would be wrong for is not what is asked here: the rest is checked without them.
  Destination sound = address;
  if (has(kEverywhere, address.host)) sound.host = "localhost";
  if (address.port == 0) sound.port = 1;
  return why_unsound(sound);
}

bool may_listen(const std::vector<std::string>& patterns, const Destination& address) {
  if (is_allowed(patterns, address)) return true;
  if (address.is_socket) return false;
  const auto allowed_as = [&](std::span<const std::string_view> names) {
    return has(names, address.host) && std::any_of(names.begin(), names.end(), [&](std::string_view name) {
             return is_allowed(patterns, Destination::of_port(name, address.port));
           });
  };
  return allowed_as(kLoopback) || allowed_as(kEverywhere);
}

std::string_view listening_request_name(const Destination& address) {
  return address.is_socket ? "streamlocal-forward" : "tcpip-forward";
}

std::optional<ForwardObjection> why_not_listened(const ResolvedTarget& target, const Destination& address) {
  const std::vector<std::string>& patterns = target.options.remote_forwarding;
  if (patterns.empty()) return ForwardObjection{"forwarding is not allowed", "remote_forwarding is empty", "remote_forwarding"};
  if (!may_listen(patterns, address))
    return ForwardObjection{"forwarding from this address is not allowed",
                            fmt::format("not in remote_forwarding ({})", fmt::join(patterns, ", ")), "remote_forwarding"};
  if (target.kind == TargetKind::local)
    return ForwardObjection{"forwarding is not allowed", fmt::format("target {} is the bastion itself", target.name), "kind"};
  return std::nullopt;
}

}  // namespace sallyport::route
