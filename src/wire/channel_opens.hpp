// The fields that the types of channels add to CHANNEL_OPEN.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/bytes.hpp>

namespace sallyport::wire {

inline constexpr std::string_view kDirectTcpip = "direct-tcpip";
inline constexpr std::string_view kDirectStreamlocal = "direct-streamlocal@openssh.com";

struct DirectTcpip {  // RFC 4254, 7.2
  std::string_view host;
  std::uint32_t port = 0;
  std::string_view originator;  ///< a numeric address, as the client says
  std::uint32_t originator_port = 0;
};

// Each takes the `rest` of a ChannelOpen, and gives nothing unless it is exactly what the RFC, or OpenSSH's PROTOCOL file,
// says. The values themselves are not judged.
std::optional<DirectTcpip> parse_direct_tcpip(ByteView rest);
/// The socket's path. Two more fields are reserved, and not looked at.
std::optional<std::string_view> parse_direct_streamlocal(ByteView rest);

Bytes build_direct_tcpip(const DirectTcpip& open);
Bytes build_direct_streamlocal(std::string_view path);

}  // namespace sallyport::wire
