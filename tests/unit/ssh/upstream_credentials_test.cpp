// The pure parts of credentials and host keys: the agent's protocol, certificates, proofs, secrets in files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/host_key_proof.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh/keys/user_certificate.hpp"
#include "ssh/seam/seam.h"
#include "ssh/upstream/agent_protocol.hpp"
#include "ssh_fixture.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

Bytes identities(std::uint32_t count, const std::vector<Bytes>& blobs) {
  wire::Writer out;
  out.byte(12).uint32(count);
  for (const Bytes& blob : blobs) out.string(blob).string(std::string_view("comment"));
  return out.take();
}
Bytes key_blob(std::string_view type) { return wire::Writer().string(type).string(std::string_view("k")).take(); }

TEST(AgentProtocol, ListsKeysAndLeavesOutWhatIsNone) {
  const auto found = agent::parse_identities(identities(2, {key_blob("ssh-ed25519"), Bytes{1, 2}}));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().type, "ssh-ed25519");
  EXPECT_EQ(found->front().comment, "comment");
}

TEST(AgentProtocol, RefusesMalformedAnswers) {
  EXPECT_FALSE(agent::parse_identities(identities(3, {key_blob("ssh-ed25519")})));
  EXPECT_FALSE(agent::parse_identities(Bytes{5}));  // SSH_AGENT_FAILURE
  EXPECT_FALSE(agent::parse_identities(Bytes{}));
  EXPECT_FALSE(agent::parse_signature(Bytes{5}));
  EXPECT_FALSE(agent::parse_signature(wire::Writer().byte(14).string(ByteView{}).take()));
  EXPECT_FALSE(agent::parse_signature(wire::Writer().byte(14).string(std::string_view("s")).byte(0).take()));
  EXPECT_TRUE(agent::parse_signature(wire::Writer().byte(14).string(std::string_view("s")).take()));
}

TEST(AgentProtocol, AsksForTheDigestOfTheAlgorithm) {
  EXPECT_EQ(agent::digest_for("rsa-sha2-512"), agent::RsaDigest::sha512);
  EXPECT_EQ(agent::digest_for("rsa-sha2-256-cert-v01@openssh.com"), agent::RsaDigest::sha256);
  EXPECT_EQ(agent::digest_for("ssh-ed25519"), agent::RsaDigest::none);
}

class CredentialFiles : public ::testing::Test {
 protected:
  test::TemporaryFolder folder_;
};

TEST_F(CredentialFiles, ASecretIsTheFirstLineOfAPrivateFile) {
  folder_.write("secret", "hunter2\nmore\n");
  const std::string path = folder_.file("secret");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const auto secret = read_secret(path);
  ASSERT_TRUE(secret) << secret.error().detail;
  EXPECT_EQ(secret->view(), "hunter2");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_FALSE(read_secret(path));
  folder_.write("secret", "\nhunter2");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_FALSE(read_secret(path)) << "an empty line";
  EXPECT_FALSE(read_secret(folder_.file("nowhere")));
}

TEST_F(CredentialFiles, ACredentialOfSystemdsIsNoPath) {
  EXPECT_FALSE(read_passphrase("credential:../etc/passwd"));
  EXPECT_FALSE(read_passphrase("credential:"));
}

TEST_F(CredentialFiles, IssuesCertificatesWithAnyKindOfAuthority) {
  for (const auto kind : {test::KeyKind::ed25519, test::KeyKind::ecdsa256, test::KeyKind::rsa}) {
    const std::string path = folder_.file("ca" + std::to_string(static_cast<int>(kind)));
    test::make_key(path, kind);
    const auto authority = load_private_key(path);
    ASSERT_TRUE(authority);
    auto key = make_ephemeral_key();
    ASSERT_TRUE(key);
    const auto issued =
        issue_certificate(*key, *authority, {"alice/c1", {"alice"}, std::chrono::minutes(5)}, std::chrono::system_clock::now());
    EXPECT_TRUE(issued) << issued.error().detail;
    EXPECT_FALSE(issue_certificate(*key, *authority, {"alice/c1", {}, std::chrono::minutes(5)}, std::chrono::system_clock::now()))
        << "without principals it would be for everybody";
  }
}

TEST_F(CredentialFiles, TakesNoCertificateOfAnotherKey) {
  auto key = make_ephemeral_key();
  ASSERT_TRUE(key);
  EXPECT_FALSE(adopt_certificate(*key, "nonsense"));
  EXPECT_FALSE(adopt_certificate(*key, "ssh-ed25519-cert-v01@openssh.com AAAA"));
  EXPECT_FALSE(adopt_certificate(*key, public_key_line(*key)));
}

TEST_F(CredentialFiles, ProofsOfHostKeysAreVerified) {
  const Bytes session_id(32, 7);
  std::vector<KeyHandle> owned;
  std::vector<Bytes> keys;
  wire::Writer answer;
  for (const auto kind : {test::KeyKind::ed25519, test::KeyKind::rsa}) {
    const std::string path = folder_.file("host" + std::to_string(static_cast<int>(kind)));
    test::make_key(path, kind);
    owned.push_back(std::move(*load_private_key(path)));
    keys.push_back(public_blob_of(owned.back().get()));
    const Bytes data =
        wire::Writer().string(std::string_view("hostkeys-prove-00@openssh.com")).string(session_id).string(keys.back()).take();
    ssh_string signature = spssh_sign(owned.back().get(), 0, data.data(), data.size());
    answer.string(ByteView(static_cast<const std::uint8_t*>(ssh_string_data(signature)), ssh_string_len(signature)));
    ssh_string_free(signature);
  }
  EXPECT_TRUE(proves(answer.bytes(), keys, session_id));
  EXPECT_FALSE(proves(answer.bytes(), keys, Bytes(32, 8))) << "of another session";
  EXPECT_FALSE(proves(answer.bytes(), {keys[1], keys[0]}, session_id));
  EXPECT_FALSE(proves(answer.bytes(), {keys[0]}, session_id)) << "more than was asked";
  EXPECT_FALSE(proves({}, keys, session_id));
  EXPECT_FALSE(proves(answer.bytes(), keys, {}));
}

TEST(HostKeyProof, ParsesKeysAndRefusesOddLists) {
  EXPECT_TRUE(parse_host_keys({}).empty());
  EXPECT_TRUE(parse_host_keys(Bytes{0, 0, 0, 9, 1}).empty());
  wire::Writer many;
  for (std::uint32_t i = 0; i <= kMaxHostKeys; ++i) many.string(key_blob("unknown-" + std::to_string(i)));
  EXPECT_TRUE(parse_host_keys(many.bytes()).empty());
  const Bytes key = wire::Writer().string(std::string_view("ssh-ed25519")).string(Bytes(32, 1)).take();
  EXPECT_EQ(parse_host_keys(wire::Writer().string(key).string(key_blob("unknown")).take()).size(), 1u);
  EXPECT_TRUE(parse_host_keys(wire::Writer().string(key).string(key).take()).empty()) << "one twice";
}

}  // namespace
}  // namespace sallyport::ssh
