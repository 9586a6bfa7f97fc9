// Both roles against each other: who gets in, and how.
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "ssh/transport/ssh_transport.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

class LoginTest : public SshTest {};

TEST_F(LoginTest, AcceptsASignedKeyAndTellsBothSides) {
  listen();
  log_in();
  ASSERT_EQ(servers_.size(), 1U);
  const auto& request = servers_[0]->requests.back();
  EXPECT_EQ(request.user, "alice");
  ASSERT_TRUE(request.key);
  EXPECT_TRUE(request.key->is_signed);
  EXPECT_EQ(request.key->algorithm, "ssh-ed25519");
  EXPECT_EQ(request.key->fingerprint.substr(0, 7), "SHA256:");
}

struct KindName {
  KeyKind kind;
  const char* name;
  const char* algorithm;
};

class UserKeyTest : public SshTest, public ::testing::WithParamInterface<KindName> {};

TEST_P(UserKeyTest, LogsIn) {
  make_key(user_key_file_, GetParam().kind);
  listen();
  log_in();
  EXPECT_EQ(servers_[0]->requests.back().key->algorithm, GetParam().algorithm);
}

TEST_P(UserKeyTest, ServesAsHostKey) {
  host_key_files_ = {folder_.file("host")};
  make_key(host_key_files_[0], GetParam().kind);
  listen();
  log_in();
}

INSTANTIATE_TEST_SUITE_P(Kinds, UserKeyTest,
                         ::testing::Values(KindName{KeyKind::ed25519, "ed25519", "ssh-ed25519"},
                                           KindName{KeyKind::ecdsa256, "ecdsa256", "ecdsa-sha2-nistp256"},
                                           KindName{KeyKind::ecdsa384, "ecdsa384", "ecdsa-sha2-nistp384"},
                                           KindName{KeyKind::ecdsa521, "ecdsa521", "ecdsa-sha2-nistp521"},
                                           KindName{KeyKind::rsa, "rsa", "rsa-sha2-512"}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST_F(LoginTest, WaitsForAnAnswerThatComesLater) {
  std::unique_ptr<Timer> timer;
  decide_ = [this, &timer](DownstreamConnection& connection, const UserauthRequest&) {
    timer = clock_.after(Duration{20}, [&connection] { connection.accept(); });
  };
  listen();
  log_in();
}

TEST_F(LoginTest, RefusesAKeyAndTriesTheNext) {
  const std::string second = folder_.file("second");
  make_key(second, KeyKind::ecdsa256);
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    request.key&& request.key->algorithm == "ecdsa-sha2-nistp256" ? connection.accept() : connection.reject();
  };
  listen();
  auto options = client_options();
  options.credentials.push_back({Credential::Kind::key_file, second});
  connect(options);
  ASSERT_TRUE(run_until([this] { return client_.connected || client_.failed; }));
  EXPECT_TRUE(client_.connected);
}

TEST_F(LoginTest, RefusedLoginIsToldAsSuch) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.reject(); };
  listen();
  connect();
  ASSERT_TRUE(run_until([this] { return client_.failed && !servers_.empty() && servers_[0]->failed; }));
  EXPECT_EQ(client_.failed->code, Errc::denied);
  EXPECT_EQ(client_.failed->told, "target web1 refused the login");
}

TEST_F(LoginTest, DisconnectsAfterTooManyTries) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.reject(); };
  ServerOptions options;
  options.max_auth_tries = 2;
  listen(options);
  auto client = client_options();
  for (const char* name : {"a", "b", "c"}) {
    client.credentials.push_back({Credential::Kind::key_file, folder_.file(name)});
    make_key(client.credentials.back().value, KeyKind::ed25519);
  }
  connect(client);
  ASSERT_TRUE(run_until([this] { return client_.failed && !servers_.empty() && servers_[0]->failed; }));
  EXPECT_EQ(client_.failed->code, Errc::denied);
  EXPECT_EQ(servers_[0]->failed->code, Errc::denied);
  EXPECT_EQ(servers_[0]->requests.size(), 2U);
}

TEST_F(LoginTest, EndsAfterTheGraceTime) {
  stop_time();
  ServerOptions options;
  options.login_grace_time = Duration{30};
  listen(options);
  const int fd = plain_socket();
  ASSERT_TRUE(run_until([this] { return !servers_.empty(); }));
  time_.advance(Duration{30});
  time_.advance(SshTransport::kDisconnectLimit);  // the peer neither reads nor closes
  ASSERT_TRUE(run_until([this] { return !servers_.empty() && servers_[0]->failed; }));
  EXPECT_EQ(servers_[0]->failed->code, Errc::timeout);
  ::close(fd);
}

TEST_F(LoginTest, SurvivesDestructionFromInsideItsOwnCallback) {
  decide_ = [this](DownstreamConnection&, const UserauthRequest&) { servers_[0]->connection.reset(); };
  listen();
  connect();
  ASSERT_TRUE(run_until([this] { return client_.failed.has_value(); }));
}

TEST_F(LoginTest, SurvivesDestructionAtAnyMoment) {
  listen();
  for (int turns = 0; turns < 40; ++turns) {
    connect();
    for (int i = 0; i < turns; ++i) {
      const auto tick = clock_.after(Duration{1}, [] {});  // a turn may have nothing to wait for
      loop_.run_once();
    }
    client_.connection.reset();
    client_.log.transport.reset();
    client_.failed.reset();
    client_.connected = false;
    servers_.clear();
    // A connection that waits in the kernel's queue would become a server of the next round: harmless.
  }
}

TEST_F(LoginTest, GeneratesAMissingHostKeyOnce) {
  auto first = HostKeys::load(host_key_files_);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->keys()[0].generated);
  auto second = HostKeys::load(host_key_files_);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->keys()[0].generated);
  EXPECT_EQ(first->keys()[0].fingerprint, second->keys()[0].fingerprint);
}

TEST_F(LoginTest, NamesAnUnknownAlgorithm) {
  auto keys = HostKeys::load(host_key_files_);
  ASSERT_TRUE(keys);
  ServerOptions options;
  options.algorithms.ciphers = {"aes128-ctr", "rot13"};
  auto context = ServerContext::make(*keys, options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().detail, "this build of libssh has no cipher \"rot13\"");
}

struct Garbage {
  const char* name;
  std::string bytes;
};

class GarbageTest : public SshTest, public ::testing::WithParamInterface<Garbage> {};

TEST_P(GarbageTest, EndsTheConnectionWithAReason) {
  listen();
  const int fd = plain_socket();
  const std::string& bytes = GetParam().bytes;
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  ::shutdown(fd, SHUT_WR);
  ASSERT_TRUE(run_until([this] { return !servers_.empty() && servers_[0]->failed; }));
  EXPECT_FALSE(servers_[0]->failed->detail.empty());
  ::close(fd);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, GarbageTest,
    ::testing::Values(Garbage{"nothing", ""}, Garbage{"http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Garbage{"half_a_banner", "SSH-2.0-Half"}, Garbage{"endless_line", std::string(9000, 'x')},
                      Garbage{"zeros", std::string(5000, '\0')},
                      Garbage{"huge_packet", std::string("SSH-2.0-X\r\n\xff\xff\xff\xff") + std::string(100, 'a')},
                      Garbage{"tiny_packet", std::string("SSH-2.0-X\r\n") + std::string(100, '\0')},
                      Garbage{"channel_before_login",
                              std::string("SSH-2.0-X\r\n\0\0\0\x0c\x0a\x5a", 17) + std::string(10, '\0')}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace sallyport::ssh::test
