// Remote forwarding, agents and displays: the fields of their global requests and of the channels that a server opens.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include <sallyport/bytes.hpp>

namespace sallyport::wire {

// Global requests.
inline constexpr std::string_view kTcpipForward = "tcpip-forward";
inline constexpr std::string_view kCancelTcpipForward = "cancel-tcpip-forward";
inline constexpr std::string_view kStreamlocalForward = "streamlocal-forward@openssh.com";
inline constexpr std::string_view kCancelStreamlocalForward = "cancel-streamlocal-forward@openssh.com";
// Channel types.
inline constexpr std::string_view kForwardedTcpip = "forwarded-tcpip";
inline constexpr std::string_view kForwardedStreamlocal = "forwarded-streamlocal@openssh.com";
inline constexpr std::string_view kAgent = "auth-agent@openssh.com";
inline constexpr std::string_view kX11 = "x11";
// Channel requests.
inline constexpr std::string_view kAgentRequest = "auth-agent-req@openssh.com";
inline constexpr std::string_view kX11Request = "x11-req";

struct TcpipForward {  // RFC 4254, 7.1; the same for its cancel
  std::string_view address;
  std::uint32_t port = 0;
};
struct StreamlocalForward {  // PROTOCOL, 2.4; the same for its cancel
  std::string_view path;
};
struct ForwardedTcpip {      // 7.2
  std::string_view address;  ///< where the server listens
  std::uint32_t port = 0;
  std::string_view originator;
  std::uint32_t originator_port = 0;
};
struct X11Open {  // 6.3.2
  std::string_view originator;
  std::uint32_t originator_port = 0;
};

// Each takes the `rest` of a request or an open, and gives nothing unless it is exactly what the RFC, or OpenSSH's PROTOCOL
// file, says. The values themselves are not judged.
std::optional<TcpipForward> parse_tcpip_forward(ByteView rest);
/// The path, of streamlocal-forward@openssh.com and of its cancel.
std::optional<std::string_view> parse_streamlocal_forward(ByteView rest);
std::optional<ForwardedTcpip> parse_forwarded_tcpip(ByteView rest);
/// The path where the server listens. A second field is reserved, and not looked at.
std::optional<std::string_view> parse_forwarded_streamlocal(ByteView rest);
std::optional<X11Open> parse_x11_open(ByteView rest);

/// The fields of a global request, read to their end; views are into the message. The first: nobody here takes them apart.
using GlobalFields = std::variant<std::monostate, TcpipForward, StreamlocalForward>;
/// Nothing unless they are exactly what such a request has.
std::optional<GlobalFields> parse_global_fields(std::string_view name, ByteView rest);
/// What a success says to a tcpip-forward for port 0: the port that was chosen.
std::optional<std::uint32_t> parse_chosen_port(ByteView rest);

Bytes build_tcpip_forward(std::string_view address, std::uint32_t port);
Bytes build_streamlocal_forward(std::string_view path);
Bytes build_forwarded_tcpip(const ForwardedTcpip& open);
Bytes build_forwarded_streamlocal(std::string_view path);
Bytes build_x11_open(const X11Open& open);
Bytes build_chosen_port(std::uint32_t port);

}  // namespace sallyport::wire
