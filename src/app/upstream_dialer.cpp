#include "app/upstream_dialer.hpp"

#include <utility>

#include "app/proxy_command.hpp"
#include "route/resolved_target.hpp"
#include "ssh/client_connection.hpp"

namespace sallyport::app {

std::unique_ptr<UpstreamAttempt> UpstreamDialer::connect(const ResolvedTarget& target, UpstreamEvents& events) {
  ssh::ClientOptions options;
  options.name = target.name;
  options.host = target.host;
  options.port = target.port;
  options.user = target.user;
  for (const Credential& credential : target.credentials) options.key_files.push_back(credential.value);
  options.known_hosts = {target.known_hosts};
  options.algorithms = target.algorithms;
  options.connect_timeout = target.options.connect_timeout;
  if (!identification_.empty()) options.identification = identification_;
  std::unique_ptr<ssh::Carrier> carrier;
  if (!target.proxy_command.empty()) carrier = std::make_unique<ProxyCommand>(launcher_, log_, target);
  return std::make_unique<ssh::ClientConnection>(io_, std::move(options), events, std::move(carrier));
}

}  // namespace sallyport::app
