// Why there is no upstream connection, in words for the client and for the log.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

class UpstreamFailureTest : public SshTest {
 protected:
  UpstreamFailure failure_of(ClientOptions options) {
    connect(std::move(options));
    EXPECT_TRUE(run_until([this] { return client_.failed || client_.connected; }));
    EXPECT_FALSE(client_.connected);
    return client_.failed.value_or(UpstreamFailure{});
  }
  std::string listed() const { return "[127.0.0.1]:" + std::to_string(port_); }
};

TEST_F(UpstreamFailureTest, NameNotFound) {
  listen();
  auto options = client_options();
  options.host = "no such name.invalid";
  const auto why = failure_of(options);
  EXPECT_EQ(why.code, Errc::not_found);
  EXPECT_EQ(why.told, "target web1 can't be reached: its name could not be found");
}

TEST_F(UpstreamFailureTest, Refused) {
  listen();
  listener_.reset();
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::refused);
  EXPECT_EQ(why.told, "target web1 can't be reached: connection refused");
}

TEST_F(UpstreamFailureTest, ATargetThatSaysNothingTimesOut) {
  stop_time();
  // Nobody answers, and the time runs out when the client has said its first words.
  std::vector<net::Fd> kept;
  auto keeper = net::Listener::open(
      loop_, "127.0.0.1:0",
      {.on_connection = [&kept](net::Fd fd, const auto&) { kept.push_back(std::move(fd)); }, .on_trouble = nullptr});
  ASSERT_TRUE(keeper);
  port_ = (*keeper)->address().port();
  folder_.write("known_hosts", "");
  connect(client_options());
  ASSERT_TRUE(run_until([&kept] {
    char byte = 0;
    return !kept.empty() && ::recv(kept[0].get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }));
  EXPECT_FALSE(client_.failed);
  time_.advance(client_options().connect_timeout);
  ASSERT_TRUE(run_until([this] { return client_.failed.has_value(); }));
  const UpstreamFailure why = *client_.failed;
  EXPECT_EQ(why.code, Errc::timeout);
  EXPECT_NE(why.detail.find("SSH handshake"), std::string::npos) << why.detail;
}

TEST_F(UpstreamFailureTest, ATargetThatIsNoSshServer) {
  std::vector<net::Fd> kept;
  auto web = net::Listener::open(loop_, "127.0.0.1:0",
                                 {.on_connection =
                                      [&kept](net::Fd fd, const auto&) {
                                        const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
                                        EXPECT_GT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
                                        ::shutdown(fd.get(), SHUT_WR);
                                        kept.push_back(std::move(fd));
                                      },
                                  .on_trouble = nullptr});
  ASSERT_TRUE(web);
  port_ = (*web)->address().port();
  folder_.write("known_hosts", "");
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::protocol);
  EXPECT_EQ(why.told, "target web1 can't be reached: the SSH handshake failed");
}

TEST_F(UpstreamFailureTest, ATargetThatEndsTheConnectionBeforeItsVersionIsBusy) {
  folder_.write("known_hosts", "");
  for (const std::string words : {"", "Exceeded MaxStartups\r\n", "Not allowed at this time\r\n"}) {
    client_.failed.reset();
    std::vector<net::Fd> kept;
    auto busy = net::Listener::open(loop_, "127.0.0.1:0",
                                    {.on_connection =
                                         [&kept, &words](net::Fd fd, const auto&) {
                                           EXPECT_EQ(::send(fd.get(), words.data(), words.size(), MSG_NOSIGNAL),
                                                     static_cast<ssize_t>(words.size()));
                                           ::shutdown(fd.get(), SHUT_WR);
                                           kept.push_back(std::move(fd));
                                         },
                                     .on_trouble = nullptr});
    ASSERT_TRUE(busy);
    port_ = (*busy)->address().port();
    const auto why = failure_of(client_options());
    EXPECT_EQ(why.code, Errc::unavailable) << words;
    EXPECT_EQ(why.told, "target web1 can't be reached: it is busy or down: it ended the connection before its version");
  }
}

TEST_F(UpstreamFailureTest, NoAlgorithmInCommon) {
  ServerOptions server;
  server.algorithms.kex = {"curve25519-sha256"};
  listen(server);
  auto options = client_options();
  options.algorithms.kex = {"ecdh-sha2-nistp256"};
  const auto why = failure_of(options);
  EXPECT_EQ(why.code, Errc::protocol);
  EXPECT_EQ(why.told, "target web1 can't be reached: the SSH handshake failed: no algorithm in common") << why.detail;
}

TEST_F(UpstreamFailureTest, UnknownHostKeyIsRefusedWithItsFingerprint) {
  listen();
  folder_.write("known_hosts", "other " + host_key_line_ + "\n");
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::host_key);
  EXPECT_NE(why.told.find("its host key is unknown: ssh-ed25519 SHA256:"), std::string::npos) << why.told;
}

TEST_F(UpstreamFailureTest, ChangedHostKeyIsRefusedWithTheFingerprintSeen) {
  listen();
  folder_.write("known_hosts", listed() + " " + make_key(folder_.file("other"), KeyKind::ed25519) + "\n");
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::host_key);
  EXPECT_NE(why.told.find("host key mismatch: ssh-ed25519 SHA256:"), std::string::npos) << why.told;
}

TEST_F(UpstreamFailureTest, RevokedHostKeyIsRefusedThoughItIsKnown) {
  listen();
  folder_.write("known_hosts", listed() + " " + host_key_line_ + "\n@revoked * " + host_key_line_ + "\n");
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::host_key);
  EXPECT_NE(why.told.find("its host key is revoked"), std::string::npos) << why.told;
}

// The server prefers its ed25519 key; the client knows its rsa key alone, and asks for that.
TEST_F(UpstreamFailureTest, AskForTheTypesThatAreKnown) {
  host_key_files_ = {folder_.file("host_ed25519"), folder_.file("host_rsa")};
  make_key(host_key_files_[1], KeyKind::rsa);
  listen();
  folder_.write("known_hosts", listed() + " " + host_key_line_ + "\n");  // the last one's: rsa
  log_in();
}

TEST_F(UpstreamFailureTest, MissingKnownHostsFails) {
  listen();
  auto options = client_options();
  options.known_hosts = {folder_.file("nowhere")};
  const auto why = failure_of(options);
  EXPECT_EQ(why.code, Errc::config);
  EXPECT_EQ(why.told.find(folder_.file("")), std::string::npos) << "a path is told";
  EXPECT_NE(why.told.find("the bastion's configuration for it is at fault"), std::string::npos) << why.told;
}

TEST_F(UpstreamFailureTest, NoUsableKeyFails) {
  listen();
  ::chmod(user_key_file_.c_str(), 0644);
  const auto why = failure_of(client_options());
  EXPECT_EQ(why.code, Errc::config);
  EXPECT_NE(why.detail.find("mode must be 0600"), std::string::npos) << why.detail;
}

TEST_F(UpstreamFailureTest, ALossDuringTheLoginIsTold) {
  decide_ = [this](DownstreamConnection&, const UserauthRequest&) { servers_[0]->connection.reset(); };
  listen();
  const auto why = failure_of(client_options());
  EXPECT_FALSE(why.told.empty());
}

}  // namespace
}  // namespace sallyport::ssh::test
