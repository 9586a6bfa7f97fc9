// Why there is no connection to a target, in words for the client and for the log.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/upstream.hpp>

#include "ssh/keys/known_hosts.hpp"
#include "ssh/upstream/client_options.hpp"
#include "ssh/upstream/credentials.hpp"
#include "ssh/upstream/upstream_login.hpp"

namespace sallyport::ssh {

/// Clients are told the target's name and the reason; the log gets the host, the login name and what was amiss in the files as
/// well. Pure.
class FailureWords {
 public:
  /// `options` outlive it.
  explicit FailureWords(const ClientOptions& options) : options_(options) {}

  /// From now on failures name what was amiss in the files.
  void note(const ClientFiles& files);
  /// There is no connection, or none any more. `told` is a reason for clients, `detail` one for the log.
  UpstreamFailure unreachable(Errc code, const std::string& told, const std::string& detail) const;
  /// The connection has ended before the login. `said` is the beginning of what the target has said, if it hasn't come as far as
  /// its version; `carrier` what is told of a carrier that ends before that, empty for TCP.
  UpstreamFailure no_handshake(const Error& why, bool said_version, std::string_view said, const std::string& carrier) const;
  /// The target refuses the login.
  UpstreamFailure refused(const UpstreamLogin& login, const std::string& detail) const;
  /// The connection has ended during it.
  UpstreamFailure lost_in(const UpstreamLogin& login, const Error& why) const;

 private:
  const ClientOptions& options_;
  std::string problems_;
};

/// What is wrong with the host key `seen`, where those of `known` are expected.
std::string host_key_trouble(HostKeyVerdict verdict, const std::string& seen, const KnownHosts& known);

}  // namespace sallyport::ssh
