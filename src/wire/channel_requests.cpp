#include "wire/channel_requests.hpp"

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

WindowDimensions read_dimensions(Reader& reader) {
  WindowDimensions dimensions;
  dimensions.columns = reader.uint32();
  dimensions.rows = reader.uint32();
  dimensions.width_pixels = reader.uint32();
  dimensions.height_pixels = reader.uint32();
  return dimensions;
}

template <typename Fields>
std::optional<Fields> whole(const Reader& reader, const Fields& fields) {
  if (!reader.at_end()) return std::nullopt;
  return fields;
}

}  // namespace

std::optional<PtyReq> parse_pty_req(ByteView rest) {
  Reader reader(rest);
  PtyReq fields;
  fields.term = reader.text();
  fields.dimensions = read_dimensions(reader);
  fields.modes = reader.string();
  return whole(reader, fields);
}

std::optional<Env> parse_env(ByteView rest) {
  Reader reader(rest);
  Env fields;
  fields.name = reader.text();
  fields.value = reader.text();
  return whole(reader, fields);
}

std::optional<WindowDimensions> parse_window_change(ByteView rest) {
  Reader reader(rest);
  const WindowDimensions fields = read_dimensions(reader);
  return whole(reader, fields);
}

std::optional<std::string_view> parse_single_string(ByteView rest) {
  Reader reader(rest);
  const std::string_view field = reader.text();
  return whole(reader, field);
}

std::optional<std::uint32_t> parse_single_uint32(ByteView rest) {
  Reader reader(rest);
  const std::uint32_t field = reader.uint32();
  return whole(reader, field);
}

std::optional<ExitSignal> parse_exit_signal(ByteView rest) {
  Reader reader(rest);
  ExitSignal fields;
  fields.signal = reader.text();
  fields.core_dumped = reader.boolean();
  fields.message = reader.text();
  reader.string();  // language tag
  return whole(reader, fields);
}

Bytes build_exit_status(std::uint32_t status) { return Writer().uint32(status).take(); }

Bytes build_exit_signal(std::string_view signal, bool core_dumped, std::string_view message) {
  return Writer().string(signal).boolean(core_dumped).string(message).string(std::string_view{}).take();
}

}  // namespace sallyport::wire
