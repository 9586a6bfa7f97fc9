// The fields that the types of channels add to CHANNEL_OPEN.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include <sallyport/bytes.hpp>

#include "wire/forwards.hpp"

namespace sallyport::wire {

inline constexpr std::string_view kSession = "session";
inline constexpr std::string_view kDirectTcpip = "direct-tcpip";
inline constexpr std::string_view kDirectStreamlocal = "direct-streamlocal@openssh.com";

struct DirectTcpip {  // RFC 4254, 7.2
  std::string_view host;
  std::uint32_t port = 0;
  std::string_view originator;  ///< a numeric address, as the client says
  std::uint32_t originator_port = 0;
};

struct DirectStreamlocal {  // PROTOCOL, 2.4
  std::string_view path;
};
struct ForwardedStreamlocal {  // PROTOCOL, 2.4
  std::string_view path;
};
struct SessionOpen {};  // RFC 4254, 6.1
struct AgentOpen {};    // PROTOCOL.agent

/// What a CHANNEL_OPEN asks for, read to its end; views are into the message.
using OpenFields =
    std::variant<SessionOpen, DirectTcpip, DirectStreamlocal, ForwardedTcpip, ForwardedStreamlocal, AgentOpen, X11Open>;

// Each takes the `rest` of a ChannelOpen, and gives nothing unless it is exactly what the RFC, or OpenSSH's PROTOCOL file,
// says. The values themselves are not judged.
std::optional<DirectTcpip> parse_direct_tcpip(ByteView rest);
/// The socket's path. Two more fields are reserved, and not looked at.
std::optional<std::string_view> parse_direct_streamlocal(ByteView rest);

/// The fields of a channel of that type; nothing for a type that isn't one of these either. Who may ask for it is for Reading to
/// tell.
std::optional<OpenFields> parse_open_fields(std::string_view type, ByteView rest);

Bytes build_direct_tcpip(const DirectTcpip& open);
Bytes build_direct_streamlocal(std::string_view path);

}  // namespace sallyport::wire
