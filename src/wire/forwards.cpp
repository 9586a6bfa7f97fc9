#include "wire/forwards.hpp"

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

template <typename Fields>
std::optional<Fields> whole(const Reader& reader, const Fields& fields) {
  if (!reader.at_end()) return std::nullopt;
  return fields;
}

}  // namespace

std::optional<TcpipForward> parse_tcpip_forward(ByteView rest) {
  Reader reader(rest);
  TcpipForward fields;
  fields.address = reader.text();
  fields.port = reader.uint32();
  return whole(reader, fields);
}

std::optional<std::string_view> parse_streamlocal_forward(ByteView rest) {
  Reader reader(rest);
  const std::string_view path = reader.text();
  return whole(reader, path);
}

std::optional<ForwardedTcpip> parse_forwarded_tcpip(ByteView rest) {
  Reader reader(rest);
  ForwardedTcpip fields;
  fields.address = reader.text();
  fields.port = reader.uint32();
  fields.originator = reader.text();
  fields.originator_port = reader.uint32();
  return whole(reader, fields);
}

std::optional<std::string_view> parse_forwarded_streamlocal(ByteView rest) {
  Reader reader(rest);
  const std::string_view path = reader.text();
  reader.string();
  return whole(reader, path);
}

std::optional<X11Open> parse_x11_open(ByteView rest) {
  Reader reader(rest);
  X11Open fields;
  fields.originator = reader.text();
  fields.originator_port = reader.uint32();
  return whole(reader, fields);
}

std::optional<GlobalFields> parse_global_fields(std::string_view name, ByteView rest) {
  if (name == kTcpipForward || name == kCancelTcpipForward) {
    const auto fields = parse_tcpip_forward(rest);
    return fields ? std::optional<GlobalFields>(*fields) : std::nullopt;
  }
  if (name == kStreamlocalForward || name == kCancelStreamlocalForward) {
    const auto path = parse_streamlocal_forward(rest);
    return path ? std::optional<GlobalFields>(StreamlocalForward{*path}) : std::nullopt;
  }
  return std::monostate{};
}

std::optional<std::uint32_t> parse_chosen_port(ByteView rest) {
  Reader reader(rest);
  const std::uint32_t port = reader.uint32();
  return whole(reader, port);
}

Bytes build_tcpip_forward(std::string_view address, std::uint32_t port) { return Writer().string(address).uint32(port).take(); }

Bytes build_streamlocal_forward(std::string_view path) { return Writer().string(path).take(); }

Bytes build_forwarded_tcpip(const ForwardedTcpip& open) {
  return Writer().string(open.address).uint32(open.port).string(open.originator).uint32(open.originator_port).take();
}

Bytes build_forwarded_streamlocal(std::string_view path) { return Writer().string(path).string(std::string_view{}).take(); }

Bytes build_x11_open(const X11Open& open) { return Writer().string(open.originator).uint32(open.originator_port).take(); }

Bytes build_chosen_port(std::uint32_t port) { return Writer().uint32(port).take(); }

}  // namespace sallyport::wire
