// The server's own keys: which ones it may have, and which one a client gets to see.
#include <libssh/libssh.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ssh/keys/host_key_proof.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/ssh_transport.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

constexpr std::string_view kEcdsa[] = {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};
constexpr std::string_view kAll[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                     "rsa-sha2-512"};

/// The type of key that the server has shown last.
std::string shown_to(Transport& transport) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(dynamic_cast<SshTransport&>(transport).session(), &raw) != SSH_OK) return "none";
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
    ASSERT_TRUE(
        run_until([this] { return client_.failed || (client_.connected && !servers_.empty() && servers_[0]->logged_in); }));
    ASSERT_FALSE(client_.failed) << client_.failed->detail;
  }
  static std::string key_type(std::string_view algorithm) {
    return algorithm.starts_with("rsa-") ? "ssh-rsa" : std::string{algorithm};
  }
};

TEST_F(HostKeysTest, AnyNumberButNoneTwice) {
  std::vector<std::string> files = one_of_each();
  for (const KeyKind kind : {KeyKind::ed25519, KeyKind::ecdsa256, KeyKind::ecdsa384, KeyKind::ecdsa521, KeyKind::rsa})
    files.push_back(made("second" + std::to_string(files.size()), kind));
  auto keys = HostKeys::load(files);
  ASSERT_TRUE(keys) << keys.error().detail;
  EXPECT_EQ(keys->keys().size(), files.size());
  files.push_back(files.front());
  const auto twice = HostKeys::load(files);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::config);
  EXPECT_NE(twice.error().detail.find("the same key as " + files.front()), std::string::npos);
}

TEST_F(HostKeysTest, TheFirstOfATypeIsShown) {
  for (const bool swapped : {false, true}) {
    host_key_files_ = {made("first", KeyKind::ed25519), made("other", KeyKind::ed25519), made("p1", KeyKind::ecdsa256),
                       made("p2", KeyKind::ecdsa256)};
    if (swapped) std::reverse(host_key_files_.begin(), host_key_files_.end());
    const auto keys = HostKeys::load(host_key_files_);
    ASSERT_TRUE(keys);
    listen();
    for (const std::string_view type : {"ssh-ed25519", "ecdsa-sha2-nistp256"}) {
      const auto first =
          std::find_if(keys->keys().begin(), keys->keys().end(), [type](const HostKey& key) { return key.type == type; });
      ClientOptions options = client_options();
      options.algorithms.host_keys = std::vector<std::string>{std::string(type)};
      Bytes seen;
      options.on_host_key = [&seen](ByteView blob) { seen.assign(blob.begin(), blob.end()); };
      servers_.clear();
      client_.log.transport.reset();
      client_.failed.reset();
      connect(options);
      ASSERT_TRUE(run_until([this] { return client_.failed.has_value(); }));
      EXPECT_EQ(fingerprint_of(seen), first->fingerprint);
    }
  }
}

TEST_F(HostKeysTest, AreAnnouncedAndProvedForOneSession) {
  const auto keys = HostKeys::load({made("ed", KeyKind::ed25519), made("rsa", KeyKind::rsa), made("p384", KeyKind::ecdsa384)});
  const auto others = HostKeys::load({made("else", KeyKind::ed25519)});
  ASSERT_TRUE(keys && others);
  const Bytes session_id(32, 7);
  const std::vector<Bytes> told = parse_host_keys(build_announcement(*keys));
  ASSERT_EQ(told.size(), 3u);
  for (const std::string_view algorithm : {"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"}) {
    const auto proof = build_proofs(*keys, build_proof_request(told), session_id, algorithm);
    ASSERT_TRUE(proof);
    EXPECT_TRUE(proves(*proof, told, session_id));
    EXPECT_FALSE(proves(*proof, told, Bytes(32, 8)));
    const std::string text(proof->begin(), proof->end());
    EXPECT_EQ(text.find("rsa-sha2-256") != std::string::npos, algorithm == "rsa-sha2-256");
  }
  EXPECT_FALSE(build_proofs(*keys, build_announcement(*others), session_id, ""));
  EXPECT_FALSE(build_proofs(*keys, Bytes{0, 0, 0, 9, 1}, session_id, ""));
  EXPECT_FALSE(build_proofs(*keys, build_proof_request(std::vector<Bytes>(kMaxHostKeys + 1, told[0])), session_id, ""));
  const auto none = build_proofs(*keys, {}, session_id, "");
  EXPECT_TRUE(none && none->empty());
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
  const std::string files[] = {made("p256", KeyKind::ecdsa256), made("p384", KeyKind::ecdsa384), made("p521", KeyKind::ecdsa521)};
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
    ssh_session session = dynamic_cast<SshTransport&>(client).session();
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
