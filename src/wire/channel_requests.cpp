#include "wire/channel_requests.hpp"

#include <algorithm>
#include <iterator>

#include "wire/encoding.hpp"
#include "wire/forwards.hpp"

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

/// sshd reads texts into C strings, and ends the connection over one with a zero inside. One at the end it lets pass.
bool is_c_string(std::string_view text) {
  const std::size_t zero = text.find('\0');
  return zero == std::string_view::npos || zero + 1 == text.size();
}

bool is_empty(ByteView rest) { return rest.empty(); }
bool is_boolean(ByteView rest) { return rest.size() == 1; }
/// Section 8: opcodes, each with an argument; 0, or one that has no meaning yet, ends them. An end without an opcode is
/// usual enough.
bool are_terminal_modes(ByteView modes) {
  constexpr std::uint8_t kFirstUndefined = 160;
  Reader reader(modes);
  while (reader.ok() && !reader.rest().empty()) {
    const std::uint8_t opcode = reader.byte();
    if (opcode == 0 || opcode >= kFirstUndefined) return true;
    reader.uint32();
  }
  return reader.ok();
}
bool is_pty_req(ByteView rest) {
  const auto request = parse_pty_req(rest);
  return request && is_c_string(request->term) && are_terminal_modes(request->modes);
}
bool is_env(ByteView rest) {
  const auto env = parse_env(rest);
  return env && is_c_string(env->name) && is_c_string(env->value);
}
bool is_window_change(ByteView rest) { return parse_window_change(rest).has_value(); }
bool is_single_string(ByteView rest) {
  const auto text = parse_single_string(rest);
  return text && is_c_string(*text);
}
bool is_single_uint32(ByteView rest) { return parse_single_uint32(rest).has_value(); }
bool is_exit_signal(ByteView rest) { return parse_exit_signal(rest).has_value(); }
bool is_x11_request(ByteView rest) { return parse_x11_request(rest).has_value(); }

struct KnownType {
  std::string_view type;
  bool (*well_formed)(ByteView rest);
};
constexpr KnownType kKnownTypes[] = {
    {kAgentRequest, is_empty},
    {"break", is_single_uint32},  // RFC 4335
    {"env", is_env},
    {"eow@openssh.com", is_empty},  // OpenSSH's PROTOCOL, 2.1
    {"exec", is_single_string},
    {"exit-signal", is_exit_signal},
    {"exit-status", is_single_uint32},
    {"pty-req", is_pty_req},
    {"shell", is_empty},
    {"signal", is_single_string},
    {"subsystem", is_single_string},
    {"window-change", is_window_change},
    {kX11Request, is_x11_request},
    {"xon-xoff", is_boolean},
};

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

bool well_formed(std::string_view type, ByteView rest) {
  if (!is_c_string(type)) return false;
  const auto* known = std::find_if(std::begin(kKnownTypes), std::end(kKnownTypes),
                                   [type](const KnownType& row) { return row.type == type; });
  return known == std::end(kKnownTypes) || known->well_formed(rest);
}

Bytes build_exit_status(std::uint32_t status) { return Writer().uint32(status).take(); }

Bytes build_exit_signal(std::string_view signal, bool core_dumped, std::string_view message) {
  return Writer().string(signal).boolean(core_dumped).string(message).string(std::string_view{}).take();
}

}  // namespace sallyport::wire
