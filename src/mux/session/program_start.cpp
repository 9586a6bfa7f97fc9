#include "mux/session/program_start.hpp"

#include <variant>

#include "route/acts.hpp"
#include "wire/channel_requests.hpp"

namespace sallyport::mux {

void send_preparations(ChannelEnd& to, const SessionRequests& requests) {
  for (const PreparingRequest& one : requests.preparing()) {
    if (std::holds_alternative<PtyRequest>(one.request) || std::holds_alternative<wire::Env>(one.request))
      to.send_request(one.request, false);
  }
}

void send_environment(ChannelEnd& to, const std::map<std::string, std::string>& environment, const route::Program& running) {
  // Whether the target takes them is for its AcceptEnv to say. The later of two values counts.
  for (const auto& [name, value] : environment) to.send_request(wire::Env{name, value}, false);
  if (running.original) to.send_request(wire::Env{std::string(kOriginalCommand), *running.original}, false);
}

void send_program(ChannelEnd& to, const ProgramRequest& program) {
  if (program.act == route::Act::shell) return to.send_request(wire::Shell{}, program.want_reply);
  if (program.act == route::Act::exec) return to.send_request(wire::Exec{program.argument}, program.want_reply);
  to.send_request(wire::Subsystem{program.argument}, program.want_reply);
}

void send_later(ChannelEnd& to, SessionRequests& requests) {
  for (const StoredRequest& one : requests.take_later()) to.send_request(one.request, one.want_reply);
}

}  // namespace sallyport::mux
