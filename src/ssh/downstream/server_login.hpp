// A client's login whose key exchange and signatures are worked at on another thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/downstream/server_connection.hpp"
#include "ssh/transport/loop_io.hpp"

namespace sallyport::ssh {

/// A ServerConnection on the loop of `away`, spoken to from that of `home`: the same calls, the same events. The transport
/// that comes of it lives at home. Both may be one loop.
class ServerLogin {
 public:
  /// `home`, `away` and `events` outlive the login. `fd` is a connected stream socket.
  ServerLogin(LoopIo& home, LoopIo& away, std::shared_ptr<const ServerContext> context, net::Fd fd, ServerEvents& events);
  /// Closes the connection, soon.
  ~ServerLogin();
  ServerLogin(const ServerLogin&) = delete;
  ServerLogin& operator=(const ServerLogin&) = delete;

  /// These are ServerConnection's. What answers a request answers the one that was told last, once: when the client has
  /// made another one in the meantime, the answer is dropped.
  void accept();
  void pass();
  void reject();
  void offer_ok();
  void ask(InfoRequest request);
  void ask_new_password(std::string_view prompt);
  void can_continue(std::vector<std::string> methods);
  void show(std::string_view text);
  void disconnect(DisconnectReason reason, std::string_view text);
  /// Empty strings until the client is logged in.
  const ConnectionInfo& info() const;

 private:
  class Away;
  std::shared_ptr<Away> away_;
};

}  // namespace sallyport::ssh
