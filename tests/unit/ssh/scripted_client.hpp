// A client whose every message a test chooses, once the keys are exchanged.
#pragma once

#include <libssh/libssh.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "ssh/transport/ssh_transport.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {

inline void put(Bytes& out, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(text.size() >> shift));
  out.insert(out.end(), text.begin(), text.end());
}

// Runs a script once the keys are exchanged, and again after each packet.
class ScriptedClient final : public LoginDriver {
 public:
  using Script = std::function<void(ScriptedClient&)>;
  ScriptedClient(LoopIo& io, int fd, Script script) : script_(std::move(script)) {
    auto session = new_session();
    EXPECT_TRUE(session);
    ssh_options_set(session->get(), SSH_OPTIONS_HOST, "target");
    ssh_options_set(session->get(), SSH_OPTIONS_USER, "alice");
    ssh_session raw = session->get();
    connection = std::make_unique<SshTransport>(io, std::move(*session), Role::client, *this);
    EXPECT_TRUE(connection->start(net::Fd{fd}, "SSH-2.0-OpenSSH_9.9 test"));
    EXPECT_EQ(ssh_connect(raw), SSH_AGAIN);
  }
  void on_progress() override {
    if (!ready_ && ssh_connect(connection->session()) == SSH_OK) ready_ = true;
    if (ready_) script_(*this);
  }
  bool on_userauth_packet(ByteView) override { return true; }
  void on_turn() override {}
  void on_dead(const Error& why) override { dead = why; }

  std::unique_ptr<SshTransport> connection;
  std::optional<Error> dead;
  int step = 0;

 private:
  Script script_;
  bool ready_ = false;
};

inline Bytes userauth_request(std::string_view user, std::string_view service, std::string_view method) {
  Bytes packet{50};
  put(packet, user);
  put(packet, service);
  put(packet, method);
  return packet;
}

// Once it is asked for, "ssh-userauth" is there.
inline bool service_asked(ScriptedClient& client) {
  if (client.step++ > 0) return false;
  Bytes request{5};
  put(request, "ssh-userauth");
  client.connection->send_login_message(request);
  return true;
}

}  // namespace sallyport::ssh::test
