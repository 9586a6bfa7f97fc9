// The requests by which a program is started at a target.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "mux/channel_end.hpp"
#include "mux/session_requests.hpp"
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

/// The terminal and the variables. The client has had its answers to these already, so none is wanted.
void send_preparations(ChannelEnd& to, const SessionRequests& requests,
                       const std::map<std::string, std::string>& environment, const route::Program& running);
/// The shell, exec or subsystem request.
void send_program(ChannelEnd& to, const ProgramRequest& program);
/// What has been asked for behind it.
void send_later(ChannelEnd& to, const SessionRequests& requests);

}  // namespace sallyport::mux
