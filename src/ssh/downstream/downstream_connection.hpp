// The downstream role: a client's connection from accept to login.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/transport.hpp>
#include <sallyport/userauth.hpp>

#include "net/loop/fd.hpp"
#include "ssh/keys/host_keys.hpp"
#include "ssh/transport/loop_io.hpp"

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

 private:
  friend class DownstreamConnection;
  ServerContext(ServerOptions options, BindHandle bind, std::vector<KeyHandle> ecdsa_keys)
      : options_(std::move(options)), bind_(std::move(bind)), ecdsa_keys_(std::move(ecdsa_keys)) {}

  ServerOptions options_;
  BindHandle bind_;                    // has one key of each kind
  std::vector<KeyHandle> ecdsa_keys_;  // all
};

/// One client's connection until it is logged in. Destroying it closes it.
class DownstreamConnection final : public UserauthServer {
 public:
  /// `fd` is a connected stream socket. `io` and `events` must outlive the connection.
  DownstreamConnection(LoopIo& io, std::shared_ptr<const ServerContext> context, net::Fd fd, UserauthEvents& events);
  ~DownstreamConnection() override;
  DownstreamConnection(const DownstreamConnection&) = delete;
  DownstreamConnection& operator=(const DownstreamConnection&) = delete;

  void accept() override;
  void pass() override;
  void reject() override;
  void offer_ok() override;
  void ask(const InfoRequest& request) override;
  void ask_new_password(std::string_view prompt) override;
  void can_continue(std::vector<std::string> methods) override;
  void show(std::string_view text) override;
  void disconnect(DisconnectReason reason, std::string_view text) override;
  ConnectionInfo info() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::ssh
