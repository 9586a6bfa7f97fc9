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

std::optional<X11Request> parse_x11_request(ByteView rest) {
  Reader reader(rest);
  X11Request fields;
  fields.single_connection = reader.boolean();
  fields.protocol = reader.text();
  fields.cookie = reader.text();
  fields.screen = reader.uint32();
  return whole(reader, fields);
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

Bytes build_x11_request(const X11Request& request) {
  return Writer()
      .boolean(request.single_connection)
      .string(request.protocol)
      .string(request.cookie)
      .uint32(request.screen)
      .take();
}

Bytes build_chosen_port(std::uint32_t port) { return Writer().uint32(port).take(); }

}  // namespace sallyport::wire
