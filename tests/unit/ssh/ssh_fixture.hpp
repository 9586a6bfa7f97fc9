// A server and a client of ours in one process, over loopback.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakes/fake_clock.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"
#include "net/sockets/listener.hpp"
#include "ssh/downstream/downstream_connection.hpp"
#include "ssh/upstream/client_connection.hpp"

namespace sallyport::ssh::test {

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

enum class KeyKind : std::uint8_t { ed25519, ecdsa256, ecdsa384, ecdsa521, rsa };

/// Makes a private key file and returns its public half: "ssh-ed25519 AAAA…".
std::string make_key(const std::string& path, KeyKind kind);

/// What happened on a transport.
class TransportLog final : public TransportEvents {
 public:
  void on_message(ByteView payload) override;
  void on_drained() override { ++drained; }
  void on_closed(const Error& why) override;

  std::unique_ptr<Transport> transport;
  std::vector<Bytes> messages;
  std::uint64_t bytes = 0;
  int drained = 0;
  std::optional<Error> closed;
  bool keep_messages = true;
  std::function<void(ByteView)> also;
  std::function<void()> then_closed;
};

/// A server's side of one connection, with a decision for each request.
class ServerSide final : public UserauthEvents {
 public:
  void on_userauth(const UserauthRequest& request) override;
  void on_info_response(std::vector<SecretString> answers) override;
  void on_logged_in(std::unique_ptr<Transport> transport) override;
  void on_failed(const Error& why) override;

  std::unique_ptr<DownstreamConnection> connection;
  TransportLog log;
  std::vector<UserauthRequest> requests;
  std::vector<std::vector<std::string>> answers;
  std::function<void(DownstreamConnection&, const UserauthRequest&)> decide;
  std::function<void(DownstreamConnection&, const std::vector<std::string>&)> decide_answers;
  std::optional<Error> failed;
  bool logged_in = false;
};

class ClientSide final : public UpstreamEvents {
 public:
  void on_connected(std::unique_ptr<Transport> transport) override;
  void on_connect_failed(const UpstreamFailure& why) override;
  void on_agent_wanted(UpstreamAnswers& to) override { to.refuse_agent("the test has none"); }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override {
    if (answer) return answer(to, question);
    to.refuse_answer("the test answers nothing");
  }

  std::unique_ptr<ClientConnection> connection;
  TransportLog log;
  std::function<void(UpstreamAnswers&, const UpstreamQuestion&)> answer;
  std::optional<UpstreamFailure> failed;
  bool connected = false;
};

/// The teardown demands that nothing of the loop is left.
class SshTest : public ::testing::Test {
 protected:
  SshTest();
  void TearDown() override;

  /// Listens, for any number of connections; each becomes a ServerSide in servers_.
  void listen();
  void listen(ServerOptions options);
  /// A client has connected.
  virtual void take(net::Fd fd);
  ClientOptions client_options() const;
  void connect() { connect(client_options()); }
  void connect(ClientOptions options);
  /// Both ends of a login that must succeed.
  void log_in();
  /// Turns the loop until `condition` or a deadline.
  [[nodiscard]] bool run_until(const std::function<bool()>& condition);
  /// From here on connections know no other time than time_'s. Before they are made.
  void stop_time() { io_.emplace(loop_, time_); }
  /// Connects a plain socket to the server.
  int plain_socket();

  TemporaryFolder folder_;
  net::Loop loop_;
  net::UvClock clock_{loop_};
  fakes::FakeClock time_;
  std::optional<LoopIo> io_;
  std::unique_ptr<net::Listener> listener_;
  std::shared_ptr<const ServerContext> context_;
  std::function<void(DownstreamConnection&, const UserauthRequest&)> decide_;
  std::function<void(DownstreamConnection&, const std::vector<std::string>&)> decide_answers_;
  std::vector<std::unique_ptr<ServerSide>> servers_;
  std::vector<std::string> host_key_files_{folder_.file("host_ed25519")};
  std::string host_key_line_;
  std::string user_key_file_ = folder_.file("user");
  std::uint16_t port_ = 0;
  ClientSide client_;
};

/// Accepts any signature, and any offer.
void accept_all(DownstreamConnection& connection, const UserauthRequest& request);

}  // namespace sallyport::ssh::test
