// Logins on a thread of their own, and the move of what comes of them.
#include <string>
#include <utility>

#include "net/sockets/socket_stream.hpp"
#include "scripted_client.hpp"
#include "ssh/downstream/downstream_login.hpp"
#include "ssh/transport/login_thread.hpp"
#include "ssh/upstream/client_login.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

/// A server's side of one connection, which says yes to everything.
class Side final : public UserauthEvents {
 public:
  Side(LoopIo& home, LoopIo& away, std::shared_ptr<const ServerContext> context, net::Fd fd)
      : login(std::make_unique<DownstreamLogin>(home, away, std::move(context), std::move(fd), *this)) {}
  void on_userauth(const UserauthRequest& request) override {
    ++requests;
    if (silent) return;
    request.key && !request.key->is_signed ? login->offer_ok() : login->accept();
  }
  void on_info_response(std::vector<SecretString>) override { login->reject(); }
  void on_logged_in(std::unique_ptr<Transport> transport) override {
    log.transport = std::move(transport);
    log.transport->attach(&log);
    kex = login->info().kex;
    login.reset();
  }
  void on_failed(const Error& why) override {
    failed = why;
    login.reset();
  }

  std::unique_ptr<DownstreamLogin> login;
  TransportLog log;
  std::string kex;
  std::optional<Error> failed;
  int requests = 0;
  bool silent = false;
};

class Client final : public UpstreamEvents {
 public:
  void on_connected(std::unique_ptr<Transport> transport) override {
    log.transport = std::move(transport);
    log.transport->attach(&log);
    // Right behind the login: what the server has read of it moves with the connection.
    for (int i = 0; i < 20; ++i) log.transport->send(Bytes(3000, 94));
    attempt.reset();
  }
  void on_connect_failed(const UpstreamFailure& why) override {
    failed = why;
    attempt.reset();
  }
  void on_agent_wanted(UpstreamAnswers& to) override { to.refuse_agent("none"); }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion&) override { to.refuse_answer("nobody"); }

  std::unique_ptr<ClientLogin> attempt;
  TransportLog log;
  std::optional<UpstreamFailure> failed;
};

/// A carrier that gives away a socket of the test's.
class GivenSocket final : public Carrier {
 public:
  GivenSocket(Clock& clock, Result<net::Fd> socket, bool& gone) : clock_(clock), socket_(std::move(socket)), gone_(gone) {}
  ~GivenSocket() override { gone_ = true; }
  void open(std::function<void(Result<net::Fd>)> done) override {
    later_ = clock_.after(Duration{1}, [this, done = std::move(done)] {
      const auto call = done;
      call(std::move(socket_));
    });
  }
  std::string failure_told() const override { return "there is no socket"; }

 private:
  Clock& clock_;
  Result<net::Fd> socket_;
  bool& gone_;
  std::unique_ptr<Timer> later_;
};

class LoginThreadTest : public SshTest {
 protected:
  LoginThreadTest() { thread_.emplace(); }
  void TearDown() override {
    client_side_.attempt.reset();
    client_side_.log.transport.reset();
    sides_.clear();
    listener_.reset();
    thread_.reset();
    SshTest::TearDown();
  }

  void take(net::Fd fd) override {
    sides_.push_back(std::make_unique<Side>(*io_, thread_->io(), context_, std::move(fd)));
    sides_.back()->silent = silent_;
  }
  void dial(std::unique_ptr<Carrier> carrier = nullptr) {
    client_side_.attempt = std::make_unique<ClientLogin>(*io_, thread_->io(), client_options(), client_side_, std::move(carrier));
  }
  bool is_in() const { return client_side_.log.transport && !sides_.empty() && sides_[0]->log.transport; }

  std::optional<LoginThread> thread_;
  std::vector<std::unique_ptr<Side>> sides_;
  Client client_side_;
  bool silent_ = false;
};

TEST_F(LoginThreadTest, MovesTheConnectionWithAllThatWasSentBehindTheLogin) {
  listen();
  dial();
  ASSERT_TRUE(run_until([this] { return is_in() && sides_[0]->log.messages.size() == 20; }))
      << (client_side_.failed ? client_side_.failed->detail : "");
  EXPECT_FALSE(sides_[0]->kex.empty());
  EXPECT_EQ(sides_[0]->log.messages.back().size(), 3000U);
  sides_[0]->log.transport->send(Bytes{100, 1});
  ASSERT_TRUE(run_until([this] { return !client_side_.log.messages.empty(); }));
}

TEST_F(LoginThreadTest, TheEndIsToldAtHome) {
  listen();
  dial();
  ASSERT_TRUE(run_until([this] { return is_in(); }));
  client_side_.log.transport->disconnect(DisconnectReason::by_application, "enough");
  ASSERT_TRUE(run_until([this] { return sides_[0]->log.closed && client_side_.log.closed; }));
}

TEST_F(LoginThreadTest, AnotherKeyIsRefusedAtHome) {
  listen();
  folder_.write("known_hosts", "");
  dial();
  ASSERT_TRUE(run_until([this] { return client_side_.failed && !sides_.empty() && sides_[0]->failed; }));
  EXPECT_EQ(client_side_.failed->code, Errc::host_key);
}

TEST_F(LoginThreadTest, ACarrierLivesAtHomeAsLongAsTheConnection) {
  listen();
  bool gone = false;
  dial(std::make_unique<GivenSocket>(clock_, net::Fd(plain_socket()), gone));
  ASSERT_TRUE(run_until([this] { return is_in(); }));
  EXPECT_FALSE(gone);
  client_side_.log.transport.reset();
  EXPECT_TRUE(gone);
}

TEST_F(LoginThreadTest, ACarrierWithoutASocketFailsTheAttempt) {
  listen();
  bool gone = false;
  dial(std::make_unique<GivenSocket>(clock_, fail(Errc::refused, "no"), gone));
  ASSERT_TRUE(run_until([this] { return client_side_.failed.has_value(); }));
  EXPECT_NE(client_side_.failed->told.find("there is no socket"), std::string::npos);
  EXPECT_TRUE(gone);
}

TEST_F(LoginThreadTest, GivingUpAtAnyMomentLeavesNothingBehind) {
  listen();
  silent_ = true;  // the last of the rounds end with a request that nobody answers
  for (int turns = 0; turns < 40; ++turns) {
    dial();
    for (int i = 0; i < turns; ++i) uv_run(loop_.uv(), UV_RUN_NOWAIT);
    client_side_.attempt.reset();
    if (turns % 2 == 0) sides_.clear();
  }
  silent_ = false;
  sides_.clear();
  client_side_ = {};
  dial();
  EXPECT_TRUE(run_until([this] { return client_side_.log.transport != nullptr; }));
}

/// Asks a question, and says yes again and again without having heard an answer.
class HastyServer final : public UserauthEvents {
 public:
  void on_userauth(const UserauthRequest& request) override {
    heard = request.method;
    if (request.method == UserauthRequest::Method::keyboard_interactive) login->ask({{}, {}, {{"code: ", false}}});
  }
  void on_info_response(std::vector<SecretString>) override {}
  void on_logged_in(std::unique_ptr<Transport> transport) override { in = std::move(transport); }
  void on_failed(const Error&) override { failed = true; }

  std::unique_ptr<DownstreamLogin> login;
  std::unique_ptr<Transport> in;
  UserauthRequest::Method heard{};
  bool failed = false;
};

TEST_F(LoginThreadTest, ALateAnswerIsNotTakenForOneToTheNextRequest) {
  listen();
  auto pair = net::connected_pair();
  ASSERT_TRUE(pair);
  HastyServer server;
  // On one loop: what crosses between two threads by chance does so here in each turn.
  server.login = std::make_unique<DownstreamLogin>(*io_, *io_, context_, std::move(pair->first), server);
  bool given_up = false;
  ScriptedClient client(*io_, pair->second.release(), [&given_up](ScriptedClient& self) {
    if (given_up || ssh_userauth_kbdint(self.connection->session(), nullptr, nullptr) != SSH_AUTH_INFO) return;
    given_up = true;
    Bytes other = userauth_request("alice", "ssh-connection", "password");
    other.push_back(0);
    put(other, "wrong");
    self.connection->send_login_message(other);
  });
  ASSERT_TRUE(run_until([&] {
    if (server.heard == UserauthRequest::Method::keyboard_interactive) server.login->accept();
    return server.failed || server.in || server.heard == UserauthRequest::Method::password;
  }));
  for (int turn = 0; turn < 20; ++turn) uv_run(loop_.uv(), UV_RUN_NOWAIT);
  EXPECT_FALSE(server.in);
  EXPECT_FALSE(server.failed);
  server.login->accept();  // this one is
  ASSERT_TRUE(run_until([&server] { return server.in != nullptr; }));
  server.login.reset();
  server.in.reset();
  client.connection.reset();
}

}  // namespace
}  // namespace sallyport::ssh::test
