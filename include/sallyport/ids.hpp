// Numbers that must not be mixed up.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace sallyport {

/// A client's connection, for as long as the daemon runs. Shown as c1, c2, …
enum class ConnectionId : std::uint64_t {};
/// A trunk, for as long as the daemon runs. Shown as t1, t2, …
enum class TrunkId : std::uint64_t {};
/// A client's channel, for as long as the daemon runs; what logs, audit and `kill` call it. Shown as h1, h2, …
enum class ChannelId : std::uint64_t {};

/// A place where a target listens for a client, for as long as the daemon runs. Shown as f1, f2, …
enum class ForwardId : std::uint64_t {};

/// The number under which *we* know a channel of one connection; the peer sends it as recipient channel (RFC 4254, 5.1).
enum class LocalChannel : std::uint32_t {};
/// The number under which the *peer* knows it; we send it as recipient channel.
enum class RecipientChannel : std::uint32_t {};

/// The ids that join what is told about one channel. `trunk` is absent for a channel that ends on the bastion.
struct ChannelIds {
  ConnectionId connection{};
  ChannelId channel{};
  std::optional<TrunkId> trunk;
};

template <typename Id>
constexpr auto number(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace sallyport
