// The requests by which a program is started at a target.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "mux/protocol/channel_end.hpp"
#include "mux/session/session_requests.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// A program, with what was asked for before it.
struct ProgramStart {
  std::unique_ptr<SessionRequests> requests;
  std::map<std::string, std::string> environment;  ///< that the login brings along
  route::Program running;
  ProgramRequest program;    ///< as it is to run
  bool input_ended = false;  ///< the client has sent EOF already
};

/// The variable with the command line that a forced one has taken the place of; as sshd names it.
inline constexpr std::string_view kOriginalCommand = "SSH_ORIGINAL_COMMAND";

/// The terminal and the variables that the client has asked for. Nobody is there to be told the answers, so none is wanted.
void send_preparations(ChannelEnd& to, const SessionRequests& requests);
/// The variables that are the bastion's own to set.
void send_environment(ChannelEnd& to, const std::map<std::string, std::string>& environment, const route::Program& running);
/// The shell, exec or subsystem request.
void send_program(ChannelEnd& to, const ProgramRequest& program);
/// What has been asked for behind it.
void send_later(ChannelEnd& to, SessionRequests& requests);

}  // namespace sallyport::mux
