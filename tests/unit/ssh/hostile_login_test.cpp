// A client that has exchanged keys in good order and then doesn't keep to the rules.
#include <libssh/libssh.h>

#include <string>

#include "scripted_client.hpp"
#include "ssh/keys/key_file.hpp"

namespace sallyport::ssh::test {
namespace {

class HostileLoginTest : public SshTest {
 protected:
  void run(ScriptedClient::Script script) {
    ServerOptions options;
    options.max_auth_tries = 1;
    listen(options);
    const int fd = plain_socket();
    hostile_.emplace(*io_, fd, std::move(script));
    ASSERT_TRUE(run_until([this] { return !servers_.empty() && servers_[0]->failed; }));
    EXPECT_FALSE(servers_[0]->logged_in);
    hostile_->connection.reset();
  }
  const Error& failure() const { return *servers_[0]->failed; }

  std::optional<ScriptedClient> hostile_;
};

TEST_F(HostileLoginTest, AnOfferIsNoLoginEvenIfItIsAccepted) {
  auto key = load_private_key(user_key_file_);
  ASSERT_TRUE(key);
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    EXPECT_TRUE(request.key);
    EXPECT_FALSE(request.key->is_signed);
    connection.accept();
  };
  run([&key](ScriptedClient& client) {
    const int rc = ssh_userauth_try_publickey(client.connection->session(), nullptr, key->get());
    EXPECT_NE(rc, SSH_AUTH_SUCCESS);
  });
  EXPECT_EQ(failure().code, Errc::denied);
}

TEST_F(HostileLoginTest, ABadSignatureIsAnswered) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.accept(); };  // which must not help
  auto key = load_private_key(user_key_file_);
  ASSERT_TRUE(key);
  const Bytes blob = public_blob_of(key->get());
  run([&blob](ScriptedClient& client) {
    if (!service_asked(client)) return;
    Bytes packet = userauth_request("alice", "ssh-connection", "publickey");
    packet.push_back(1);
    put(packet, "ssh-ed25519");
    put(packet, text_of(blob));
    Bytes signature;
    put(signature, "ssh-ed25519");
    put(signature, std::string(64, 's'));
    put(packet, text_of(signature));
    client.connection->send_login_message(packet);
  });
  EXPECT_EQ(failure().code, Errc::denied);
  ASSERT_EQ(servers_[0]->requests.size(), 1U);
  EXPECT_FALSE(servers_[0]->requests[0].key);
}

TEST_F(HostileLoginTest, AnUnusableKeyIsAnswered) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.accept(); };  // which must not help
  run([](ScriptedClient& client) {
    if (!service_asked(client)) return;
    Bytes packet = userauth_request("alice", "ssh-connection", "publickey");
    packet.push_back(0);
    put(packet, "ssh-ed25519");
    put(packet, "no key");
    client.connection->send_login_message(packet);
  });
  EXPECT_EQ(failure().code, Errc::denied);
  ASSERT_EQ(servers_[0]->requests.size(), 1U);
  EXPECT_FALSE(servers_[0]->requests[0].key);
}

TEST_F(HostileLoginTest, ATruncatedRequestEndsTheConnection) {
  run([](ScriptedClient& client) {
    if (service_asked(client)) client.connection->send_login_message(Bytes{50, 0, 0, 0, 9, 'a'});
  });
  EXPECT_NE(failure().detail.find("malformed"), std::string::npos) << failure().detail;
}

TEST_F(HostileLoginTest, TheUserNameMayNotChange) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.reject(); };
  run([](ScriptedClient& client) {
    if (!service_asked(client)) return;
    client.connection->send_login_message(userauth_request("alice", "ssh-connection", "none"));
    client.connection->send_login_message(userauth_request("bob", "ssh-connection", "none"));
  });
  EXPECT_NE(failure().detail.find("change of user name"), std::string::npos) << failure().detail;
  EXPECT_TRUE(servers_[0]->requests.empty());
}

TEST_F(HostileLoginTest, AnotherServiceIsNotAvailable) {
  run([](ScriptedClient& client) {
    if (client.step++ > 0) return;
    Bytes request{5};
    put(request, "ssh-connection");
    client.connection->send_login_message(request);
  });
  EXPECT_NE(failure().detail.find("service not available"), std::string::npos) << failure().detail;
}

TEST_F(HostileLoginTest, AChannelBeforeTheLoginEndsTheConnection) {
  run([](ScriptedClient& client) {
    if (client.step++ == 0) client.connection->send_login_message(Bytes{90});
  });
  EXPECT_EQ(failure().code, Errc::protocol);
  EXPECT_NE(failure().detail.find("rejected packet (type 90)"), std::string::npos) << failure().detail;
}

TEST_F(HostileLoginTest, TooMuchBeforeTheLoginEndsTheConnection) {
  run([](ScriptedClient& client) {
    if (client.step++ > 0) return;
    Bytes ignore{2};
    put(ignore, std::string(30000, 'i'));
    for (int i = 0; i < 40; ++i) client.connection->send_login_message(ignore);
  });
  EXPECT_EQ(failure().code, Errc::limit);
}

TEST_F(HostileLoginTest, NoLargePacketIsWaitedForBeforeTheLogin) {
  run([](ScriptedClient& client) {
    if (client.step++ > 0) return;
    Bytes ignore{2};
    put(ignore, std::string(200'000, 'i'));
    client.connection->send_login_message(ignore);
  });
  EXPECT_NE(failure().detail.find("bytes before the login"), std::string::npos) << failure().detail;
}

TEST_F(HostileLoginTest, KeysAreExchangedOnceBeforeTheLogin) {
  run([](ScriptedClient& client) {
    if (client.step++ == 0) client.connection->send_login_message(Bytes(100, 20));
  });
  EXPECT_NE(failure().detail.find("rejected packet (type 20)"), std::string::npos) << failure().detail;
}

}  // namespace
}  // namespace sallyport::ssh::test
