#include "mux/session/program_start.hpp"

#include "route/acts.hpp"
#include "wire/encoding.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kOriginalCommand = "SSH_ORIGINAL_COMMAND";

void send_env(ChannelEnd& to, std::string_view name, std::string_view value) {
  to.send_request("env", false, wire::Writer().string(name).string(value).take());
}

}  // namespace

void send_preparations(ChannelEnd& to, const SessionRequests& requests) {
  for (const PreparingRequest& request : requests.preparing()) {
    if (request.act == route::Act::pty || request.act == route::Act::env)
      to.send_request(route::info_of(request.act).wire, false, requests.fields_of(request));
  }
}

void send_environment(ChannelEnd& to, const std::map<std::string, std::string>& environment, const route::Program& running) {
  // Whether the target takes them is for its AcceptEnv to say. The later of two values counts.
  for (const auto& [name, value] : environment) send_env(to, name, value);
  if (running.original) send_env(to, kOriginalCommand, *running.original);
}

void send_program(ChannelEnd& to, const ProgramRequest& program) {
  const Bytes fields = program.type == "shell" ? Bytes{} : wire::Writer().string(program.argument).take();
  to.send_request(program.type, program.want_reply, fields);
}

void send_later(ChannelEnd& to, SessionRequests& requests) {
  for (const StoredRequest& request : requests.take_later()) to.send_request(request.type, request.want_reply, request.rest);
}

}  // namespace sallyport::mux
