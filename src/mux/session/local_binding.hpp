// A session's way to a program on the bastion.
#pragma once

#include <memory>

#include <sallyport/account.hpp>
#include <sallyport/process.hpp>
#include <sallyport/target.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/services.hpp"
#include "mux/relay/local_endpoint.hpp"
#include "mux/session/session_requests.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// Whether what a client asks for before its program is good for one there: of variables, those that it accepts.
bool accepts(const LocalSettings& local, const wire::SessionRequest& preparing);
/// Whether there is such a program: of subsystems, those that are configured.
bool has_program(const LocalSettings& local, const ProgramRequest& program);

/// The program of `target`, which has it, for that client; `running` is what the policy made of it. Of two variables of one
/// name the later one wins: what the bastion sets can't be set by the client.
ProcessSpec process_spec(const ResolvedTarget& target, const Admission& client, const ProgramRequest& program,
                         const route::Program& running, const SessionRequests& requests);

/// Holds the program's end while it runs.
class LocalBinding {
 public:
  /// What waits for the program is charged to `account`.
  LocalBinding(const Services& services, std::shared_ptr<Account> account);

  /// Starts it at once; see LocalEndpoint.
  LocalEndpoint& start(ProcessSpec spec, bool want_reply, ChannelEvents& user, LocalEndpoint::Outcome outcome);
  bool runs() const { return endpoint_ != nullptr; }
  /// It is somebody else's from now on.
  std::unique_ptr<LocalEndpoint> give_away() { return std::move(endpoint_); }
  /// Hangs it up. It reports nothing more.
  void drop();

 private:
  const Services& services_;
  const std::shared_ptr<Account> account_;
  std::unique_ptr<LocalEndpoint> endpoint_;
};

}  // namespace sallyport::mux
