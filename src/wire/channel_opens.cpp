#include "wire/channel_opens.hpp"

#include "wire/encoding.hpp"

namespace sallyport::wire {

std::optional<DirectTcpip> parse_direct_tcpip(ByteView rest) {
  Reader reader(rest);
  DirectTcpip open;
  open.host = reader.text();
  open.port = reader.uint32();
  open.originator = reader.text();
  open.originator_port = reader.uint32();
  if (!reader.at_end()) return std::nullopt;
  return open;
}

std::optional<std::string_view> parse_direct_streamlocal(ByteView rest) {
  Reader reader(rest);
  const std::string_view path = reader.text();
  reader.string();
  reader.uint32();
  if (!reader.at_end()) return std::nullopt;
  return path;
}

std::optional<OpenFields> parse_open_fields(std::string_view type, ByteView rest) {
  const auto as_open = [](const auto& fields) { return fields ? std::optional<OpenFields>(*fields) : std::nullopt; };
  const auto bare = [rest](OpenFields open) { return rest.empty() ? std::optional(open) : std::nullopt; };
  if (type == kSession) return bare(SessionOpen{});
  if (type == kDirectTcpip) return as_open(parse_direct_tcpip(rest));
  if (type == kForwardedTcpip) return as_open(parse_forwarded_tcpip(rest));
  if (type == kX11) return as_open(parse_x11_open(rest));
  if (type == kAgent) return bare(AgentOpen{});
  if (type == kDirectStreamlocal) {
    const auto path = parse_direct_streamlocal(rest);
    return path ? std::optional<OpenFields>(DirectStreamlocal{*path}) : std::nullopt;
  }
  if (type == kForwardedStreamlocal) {
    const auto path = parse_forwarded_streamlocal(rest);
    return path ? std::optional<OpenFields>(ForwardedStreamlocal{*path}) : std::nullopt;
  }
  return std::nullopt;
}

Bytes build_direct_tcpip(const DirectTcpip& open) {
  return Writer().string(open.host).uint32(open.port).string(open.originator).uint32(open.originator_port).take();
}

Bytes build_direct_streamlocal(std::string_view path) {
  return Writer().string(path).string(std::string_view{}).uint32(0).take();
}

}  // namespace sallyport::wire
