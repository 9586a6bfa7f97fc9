#include "mux/program_start.hpp"

#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kOriginalCommand = "SSH_ORIGINAL_COMMAND";

Bytes build_env(std::string_view name, std::string_view value) {
  return wire::Writer().string(name).string(value).take();
}

Bytes build_pty_req(const PtyRequest& pty) {
  return wire::Writer()
      .string(pty.term)
      .uint32(pty.dimensions.columns)
      .uint32(pty.dimensions.rows)
      .uint32(pty.dimensions.width_pixels)
      .uint32(pty.dimensions.height_pixels)
      .string(pty.modes)
      .take();
}

}  // namespace

void send_preparations(ChannelEnd& to, const SessionRequests& requests,
                       const std::map<std::string, std::string>& environment, const route::Program& running) {
  if (const auto& pty = requests.pty()) to.send_request("pty-req", false, build_pty_req(*pty));
  for (const auto& [name, value] : requests.variables()) to.send_request("env", false, build_env(name, value));
  // Whether the target takes them is for its AcceptEnv to say. The later of two values counts.
  for (const auto& [name, value] : environment) to.send_request("env", false, build_env(name, value));
  if (running.original) to.send_request("env", false, build_env(kOriginalCommand, *running.original));
}

void send_program(ChannelEnd& to, const ProgramRequest& program) {
  const Bytes fields = program.type == "shell" ? Bytes{} : wire::Writer().string(program.argument).take();
  to.send_request(program.type, program.want_reply, fields);
}

void send_later(ChannelEnd& to, const SessionRequests& requests) {
  for (const StoredRequest& request : requests.later()) to.send_request(request.type, request.want_reply, request.rest);
}

}  // namespace sallyport::mux
