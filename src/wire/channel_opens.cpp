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

Bytes build_direct_tcpip(const DirectTcpip& open) {
  return Writer().string(open.host).uint32(open.port).string(open.originator).uint32(open.originator_port).take();
}

Bytes build_direct_streamlocal(std::string_view path) {
  return Writer().string(path).string(std::string_view{}).uint32(0).take();
}

}  // namespace sallyport::wire
