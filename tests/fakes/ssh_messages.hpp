// Messages of the connection protocol as a peer writes them, and as short texts that tests compare.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>

#include "wire/channel_opens.hpp"
#include "wire/channel_requests.hpp"
#include "wire/encoding.hpp"
#include "wire/messages.hpp"

namespace sallyport::fakes {

inline wire::Writer start_message(wire::MessageType type) {
  wire::Writer writer;
  writer.byte(static_cast<std::uint8_t>(type));
  return writer;
}

inline Bytes open_message(std::uint32_t sender, std::uint32_t window, std::uint32_t packet = 32768,
                          std::string_view type = "session") {
  return wire::build_channel_open(type, LocalChannel{sender}, window, packet);
}
inline Bytes direct_tcpip_message(std::uint32_t sender, std::uint32_t window, std::string_view host, std::uint32_t port,
                                  std::string_view originator = "127.0.0.1", std::uint32_t originator_port = 40000) {
  return wire::build_channel_open(wire::kDirectTcpip, LocalChannel{sender}, window, 32768,
                                  wire::build_direct_tcpip({host, port, originator, originator_port}));
}
inline Bytes direct_streamlocal_message(std::uint32_t sender, std::uint32_t window, std::string_view path) {
  return wire::build_channel_open(wire::kDirectStreamlocal, LocalChannel{sender}, window, 32768,
                                  wire::build_direct_streamlocal(path));
}
inline Bytes confirm_message(std::uint32_t recipient, std::uint32_t sender, std::uint32_t window, std::uint32_t packet = 32768) {
  return wire::build_channel_open_confirmation(RecipientChannel{recipient}, LocalChannel{sender}, window, packet);
}
inline Bytes refuse_message(std::uint32_t recipient, wire::OpenFailureReason reason, std::string_view text) {
  return wire::build_channel_open_failure(RecipientChannel{recipient}, reason, text);
}
inline Bytes adjust_message(std::uint32_t recipient, std::uint32_t bytes) {
  return start_message(wire::MessageType::channel_window_adjust).uint32(recipient).uint32(bytes).take();
}
inline Bytes data_message(std::uint32_t recipient, std::string_view text) {
  return start_message(wire::MessageType::channel_data).uint32(recipient).string(text).take();
}
inline Bytes stderr_message(std::uint32_t recipient, std::string_view text) {
  return start_message(wire::MessageType::channel_extended_data).uint32(recipient).uint32(1).string(text).take();
}
inline Bytes eof_message(std::uint32_t recipient) {
  return start_message(wire::MessageType::channel_eof).uint32(recipient).take();
}
inline Bytes close_message(std::uint32_t recipient) {
  return start_message(wire::MessageType::channel_close).uint32(recipient).take();
}
inline Bytes success_message(std::uint32_t recipient) {
  return start_message(wire::MessageType::channel_success).uint32(recipient).take();
}
inline Bytes failure_message(std::uint32_t recipient) {
  return start_message(wire::MessageType::channel_failure).uint32(recipient).take();
}
inline Bytes request_message(std::uint32_t recipient, std::string_view type, bool want_reply, ByteView rest = {}) {
  return wire::build_channel_request(RecipientChannel{recipient}, type, want_reply, rest);
}
inline Bytes one_string(std::string_view text) { return wire::Writer().string(text).take(); }
inline Bytes exec_message(std::uint32_t recipient, std::string_view command, bool want_reply = true) {
  return request_message(recipient, "exec", want_reply, one_string(command));
}
inline Bytes env_message(std::uint32_t recipient, std::string_view name, std::string_view value, bool want_reply) {
  return request_message(recipient, "env", want_reply, wire::Writer().string(name).string(value).take());
}
inline Bytes dimensions(std::uint32_t columns, std::uint32_t rows) {
  return wire::Writer().uint32(columns).uint32(rows).uint32(0).uint32(0).take();
}
inline Bytes window_change_message(std::uint32_t recipient, std::uint32_t columns, std::uint32_t rows) {
  return request_message(recipient, "window-change", false, dimensions(columns, rows));
}
inline Bytes pty_message(std::uint32_t recipient, std::string_view term, bool want_reply,
                         std::string_view modes = std::string_view("\0", 1)) {
  const Bytes rest = wire::Writer().string(term).raw(dimensions(80, 24)).string(modes).take();
  return request_message(recipient, "pty-req", want_reply, rest);
}
inline Bytes exit_status_message(std::uint32_t recipient, std::uint32_t status) {
  return request_message(recipient, "exit-status", false, wire::build_fields(wire::ExitStatus{status}));
}
inline Bytes global_message(std::string_view name, bool want_reply) { return wire::build_global_request(name, want_reply); }
inline Bytes type_only(wire::MessageType type) { return start_message(type).take(); }

/// One message in a line: "DATA 3 hello", "REQUEST 3 exec? ls -l" (the ? wants a reply), "CLOSE 3".
std::string describe(ByteView message);
std::vector<std::string> describe(const std::vector<Bytes>& messages);

}  // namespace sallyport::fakes
