#include "mux/session/local_binding.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "match/match.hpp"
#include "mux/session/program_start.hpp"

namespace sallyport::mux {

using route::Act;

namespace {

bool accepts_variable(const LocalSettings& local, const std::string& name) {
  return std::any_of(local.accept_environment.begin(), local.accept_environment.end(),
                     [&name](const std::string& pattern) { return config::glob_matches(pattern, name); });
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> command_of(const LocalSettings& local, const ProgramRequest& program) {
  if (program.act == Act::subsystem) return local.subsystems.at(program.argument);
  std::vector<std::string> argv = local.shell;
  if (program.act == Act::exec) {
    argv.push_back("-c");
    argv.push_back(program.argument);
  }
  return argv;
}

}  // namespace

bool accepts(const LocalSettings& local, const wire::SessionRequest& preparing) {
  const auto* const env = std::get_if<wire::Env>(&preparing);
  return env == nullptr || accepts_variable(local, env->name);
}

bool has_program(const LocalSettings& local, const ProgramRequest& program) {
  return program.act != Act::subsystem || local.subsystems.contains(program.argument);
}

ProcessSpec process_spec(const ResolvedTarget& target, const Admission& client, const ProgramRequest& program,
                         const route::Program& running, const SessionRequests& requests) {
  const LocalSettings& local = target.local;
  ProcessSpec spec;
  spec.argv = command_of(local, program);
  if (program.act == Act::shell) spec.argv0 = "-" + base_name(spec.argv.front());
  spec.user = local.user;
  spec.client = client.user;
  spec.login = local_login(local, client.source.address);
  if (const PtyRequest* const pty = requests.pty()) spec.pty = *pty;
  for (const auto& [name, value] : requests.variables())
    if (accepts_variable(local, name)) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : local.environment) spec.environment.emplace_back(name, value);
  for (const auto& [name, value] : client.grant.environment) spec.environment.emplace_back(name, value);
  if (running.original) spec.environment.emplace_back(kOriginalCommand, *running.original);
  const std::string source = client.source.address + " " + std::to_string(client.source.port);
  const std::string port = std::to_string(client.local.port);
  spec.environment.emplace_back("SSH_CLIENT", source + " " + port);
  spec.environment.emplace_back("SSH_CONNECTION", source + " " + client.local.address + " " + port);
  return spec;
}

LocalBinding::LocalBinding(const Services& services, std::shared_ptr<Account> account)
    : services_(services), account_(std::move(account)) {}

LocalEndpoint& LocalBinding::start(ProcessSpec spec, bool want_reply, ChannelEvents& user, LocalEndpoint::Outcome outcome) {
  endpoint_ =
      std::make_unique<LocalEndpoint>(services_.processes, std::move(spec), want_reply, user, std::move(outcome), account_);
  return *endpoint_;
}

void LocalBinding::drop() {
  if (endpoint_ == nullptr) return;
  endpoint_->abandon();                            // it reports nothing more, wherever it is
  services_.graveyard.bury(std::move(endpoint_));  // perhaps it is reporting just now
}

}  // namespace sallyport::mux
