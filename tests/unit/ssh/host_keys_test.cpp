// The server's own keys: which ones it may have, and which one a client gets to see.
#include <libssh/libssh.h>

#include <string>
#include <vector>

#include "ssh/connection.hpp"
#include "ssh/seam/seam.h"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

constexpr std::string_view kEcdsa[] = {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};
constexpr std::string_view kAll[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                     "rsa-sha2-512"};

/// The type of key that the server has shown last.
std::string shown_to(Transport& transport) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(dynamic_cast<Connection&>(transport).session(), &raw) != SSH_OK) return "none";
  const KeyHandle key{raw};
  return ssh_key_type_to_char(ssh_key_type(key.get()));
}

class HostKeysTest : public SshTest {
 protected:
  std::string made(const std::string& name, KeyKind kind) {
    make_key(folder_.file(name), kind);
    return folder_.file(name);
  }
  std::vector<std::string> one_of_each() {
    return {made("p521", KeyKind::ecdsa521), made("ed", KeyKind::ed25519), made("p256", KeyKind::ecdsa256),
            made("rsa", KeyKind::rsa), made("p384", KeyKind::ecdsa384)};
  }
  void connect_for(std::string_view algorithm, std::uint64_t rekey_data = 0) {
    ClientOptions options = client_options();
    options.algorithms.host_keys = std::vector<std::string>{std::string{algorithm}};
    options.rekey_data = rekey_data;
    servers_.clear();
    client_.log.transport.reset();
    client_.connected = false;
    connect(options);
    ASSERT_TRUE(run_until(
        [this] { return client_.failed || (client_.connected && !servers_.empty() && servers_[0]->logged_in); }));
    ASSERT_FALSE(client_.failed) << client_.failed->detail;
  }
  static std::string key_type(std::string_view algorithm) {
    return algorithm.starts_with("rsa-") ? "ssh-rsa" : std::string{algorithm};
  }
};

TEST_F(HostKeysTest, OneOfEachTypeAndCurveAndNoTwoOfOne) {
  std::vector<std::string> files = one_of_each();
  auto keys = HostKeys::load(files);
  ASSERT_TRUE(keys) << keys.error().detail;
  EXPECT_EQ(keys->keys().size(), files.size());
  for (const KeyKind kind : {KeyKind::ed25519, KeyKind::ecdsa256, KeyKind::ecdsa384, KeyKind::ecdsa521, KeyKind::rsa}) {
    files.push_back(made("second", kind));
    auto twice = HostKeys::load(files);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, Errc::config);
    EXPECT_NE(twice.error().detail.find(files.back()), std::string::npos);
    EXPECT_NE(twice.error().detail.find("already"), std::string::npos);
    files.pop_back();
  }
}

TEST_F(HostKeysTest, AClientGetsTheOneThatItAsksFor) {
  host_key_files_ = one_of_each();
  listen();
  for (const auto algorithm : kAll) {
    ASSERT_NO_FATAL_FAILURE(connect_for(algorithm));
    EXPECT_EQ(shown_to(*client_.log.transport), key_type(algorithm));
  }
}

TEST_F(HostKeysTest, AnyTwoCurvesInAnyOrder) {
  const std::string files[] = {made("p256", KeyKind::ecdsa256), made("p384", KeyKind::ecdsa384),
                               made("p521", KeyKind::ecdsa521)};
  for (std::size_t first = 0; first < 3; ++first) {
    for (std::size_t second = 0; second < 3; ++second) {
      if (first == second) continue;
      host_key_files_ = {files[first], files[second]};
      listen();
      for (const auto curve : {first, second}) {
        ASSERT_NO_FATAL_FAILURE(connect_for(kEcdsa[curve]));
        EXPECT_EQ(shown_to(*client_.log.transport), kEcdsa[curve]);
      }
    }
  }
}

TEST_F(HostKeysTest, ACurveThatIsNotAllowedIsNotOffered) {
  host_key_files_ = one_of_each();
  ServerOptions options;
  options.algorithms.host_keys = std::vector<std::string>{"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp256"};
  listen(options);
  for (const auto algorithm : {kEcdsa[0], kEcdsa[2]}) ASSERT_NO_FATAL_FAILURE(connect_for(algorithm));
  ClientOptions client = client_options();
  client.algorithms.host_keys = std::vector<std::string>{"ecdsa-sha2-nistp384"};
  connect(client);
  EXPECT_TRUE(run_until([this] { return client_.failed.has_value(); }));
}

/// All are offered in each exchange, whoever begins it and whichever was used in the one before.
class ReexchangeTest : public HostKeysTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ReexchangeTest, EachExchangeMayUseAnother) {
  constexpr std::uint64_t kLimit = 64 * 1024;
  const bool server_begins = GetParam();
  host_key_files_ = one_of_each();
  ServerOptions options;
  if (server_begins) options.rekey_data = kLimit;
  listen(options);
  ASSERT_NO_FATAL_FAILURE(connect_for(kEcdsa[0], server_begins ? 0 : kLimit));
  Transport& client = *client_.log.transport;
  Transport& sender = server_begins ? *servers_[0]->log.transport : client;
  const auto use = [&](std::string_view algorithm) {
    ssh_session session = dynamic_cast<Connection&>(client).session();
    ASSERT_TRUE(run_until([&] { return spssh_in_rekey(session) == 0; }));  // it looks at its wishes at the end, too
    ASSERT_EQ(ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, std::string{algorithm}.c_str()), SSH_OK);
    ASSERT_TRUE(run_until([&] {
      if (sender.backlog() < Transport::kHighMark) sender.send(Bytes(8000, 94));
      return client_.log.closed || servers_[0]->log.closed || shown_to(client) == key_type(algorithm);
    })) << algorithm;
    ASSERT_FALSE(client_.log.closed) << algorithm << ": " << client_.log.closed->detail;
    ASSERT_FALSE(servers_[0]->log.closed) << algorithm << ": " << servers_[0]->log.closed->detail;
  };
  for (const auto before : kAll) {
    for (const auto after : kAll) {
      ASSERT_NO_FATAL_FAILURE(use(before));
      ASSERT_NO_FATAL_FAILURE(use(after));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Begun, ReexchangeTest, ::testing::Bool(),
                         [](const auto& row) { return std::string{row.param ? "ByTheServer" : "ByTheClient"}; });

}  // namespace
}  // namespace sallyport::ssh::test
