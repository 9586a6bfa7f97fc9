// A client's login whose key exchange and signatures are worked at on another thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/userauth.hpp>

#include "net/loop/fd.hpp"
#include "ssh/downstream/server_context.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::ssh {

/// A DownstreamConnection on the loop of `away`, spoken to from that of `home`: the same calls, the same events. The transport
/// that comes of it lives at home. Both may be one loop.
class DownstreamLogin final : public UserauthServer {
 public:
  /// `home`, `away` and `events` outlive the login. `fd` is a connected stream socket.
  DownstreamLogin(LoopIo& home, LoopIo& away, std::shared_ptr<const ServerContext> context, net::Fd fd, UserauthEvents& events);
  /// Closes the connection, soon.
  ~DownstreamLogin() override;
  DownstreamLogin(const DownstreamLogin&) = delete;
  DownstreamLogin& operator=(const DownstreamLogin&) = delete;

  // What answers a request answers the one that was told last, once: when the client has made another one in the meantime, the
  // answer is dropped.
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
  class Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sallyport::ssh
