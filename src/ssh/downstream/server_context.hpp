// What all connections of clients begin with: host keys, algorithms and limits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

#include "ssh/keys/handles.hpp"
#include "ssh/keys/host_keys.hpp"

namespace sallyport::ssh {

/// How to be a server.
struct ServerOptions {
  std::string identification = sallyport::ServerSettings::kDefaultIdentification;  ///< what follows "SSH-2.0-"
  std::string banner;                                                              ///< shown before the login; empty: none
  Algorithms algorithms;                                                           ///< what is absent gets the built-in lists
  Duration login_grace_time = std::chrono::seconds(60);
  std::uint32_t max_auth_tries = 6;
  std::vector<std::string> methods{"publickey"};  ///< named to a client that is refused, until can_continue() says otherwise
  std::uint64_t rekey_data = 0;                   ///< bytes after which keys are exchanged anew; 0: libssh's choice
};

/// Host keys and options, checked and ready for any number of connections. Never changes; a reload makes another.
class ServerContext {
 public:
  /// Errc::config when an algorithm is unknown or no host key fits the allowed types.
  static Result<std::shared_ptr<const ServerContext>> make(const HostKeys& keys, ServerOptions options);

  const ServerOptions& options() const { return options_; }
  /// One host key of each type, as libssh shows them.
  ssh_bind_struct* bind() const { return bind_.get(); }
  /// All ECDSA keys: the bind has room for one.
  const std::vector<KeyHandle>& ecdsa_keys() const { return ecdsa_keys_; }

 private:
  ServerContext(ServerOptions options, BindHandle bind, std::vector<KeyHandle> ecdsa_keys)
      : options_(std::move(options)), bind_(std::move(bind)), ecdsa_keys_(std::move(ecdsa_keys)) {}

  ServerOptions options_;
  BindHandle bind_;
  std::vector<KeyHandle> ecdsa_keys_;
};

}  // namespace sallyport::ssh
