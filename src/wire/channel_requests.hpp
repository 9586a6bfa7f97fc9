// RFC 4254, section 6: the fields of the channel requests that either side is known to parse.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/process.hpp>

namespace sallyport::wire {

struct PtyReq {  // 6.2
  std::string_view term;
  WindowDimensions dimensions;
  ByteView modes;
};
struct Env {  // 6.4
  std::string_view name;
  std::string_view value;
};
struct ExitSignal {  // 6.10
  std::string_view signal;
  bool core_dumped = false;
  std::string_view message;
};

// Each takes the `rest` of a ChannelRequest, and gives nothing unless it is exactly what the RFC says.
std::optional<PtyReq> parse_pty_req(ByteView rest);
std::optional<Env> parse_env(ByteView rest);
std::optional<WindowDimensions> parse_window_change(ByteView rest);
std::optional<std::string_view> parse_single_string(ByteView rest);  ///< exec, subsystem, signal
std::optional<std::uint32_t> parse_single_uint32(ByteView rest);     ///< exit-status, break
std::optional<ExitSignal> parse_exit_signal(ByteView rest);

Bytes build_exit_status(std::uint32_t status);
Bytes build_exit_signal(std::string_view signal, bool core_dumped, std::string_view message);

}  // namespace sallyport::wire
