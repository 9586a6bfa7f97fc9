#include "auth/lookup/authorized_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/keys/key_line.hpp"
#include "made_keys.hpp"

namespace sallyport::auth {
namespace {

using ::testing::HasSubstr;

// Made up: the right length and type, nobody's key.
constexpr const char* kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
constexpr const char* kOtherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP/+/fz7+vn49/b19PPy8fDv7u3s6+rp6Ofm5eTj4uHg";

KeyQuery alice() {
  KeyQuery query;
  query.user = "alice";
  query.source = "10.1.2.3";
  query.now = WallTime(std::chrono::hours(24 * 365 * 50));
  return query;
}

struct Found {
  KeyFinding finding;
  std::vector<KeyWarning> warnings;
};

Found search(const std::string& text) {
  const KeyQuery query = alice();
  const auto key = PublicKey::parse(*decode_base64(std::string_view(kKey).substr(12)));
  KeyWarnings warnings;
  KeyFinding finding = search_keys(text, "f", {query, *key, nullptr, {}}, warnings);
  return {std::move(finding), warnings.take()};
}

TEST(SearchKeys, FindsTheKeyAndItsPlace) {
  const Found found = search(std::string("# comment\n\n") + kOtherKey + " other\n  " + kKey + " alice's laptop\r\n");
  ASSERT_TRUE(found.finding.grant);
  EXPECT_EQ(found.finding.grant->file, "f");
  EXPECT_EQ(found.finding.grant->line, 4U);
  EXPECT_EQ(found.finding.grant->comment, "alice's laptop");
  EXPECT_TRUE(found.finding.grant->pty);
  EXPECT_TRUE(found.warnings.empty());
}

TEST(SearchKeys, DoesNotFindAnotherKey) {
  const Found found = search(std::string(kOtherKey) + "\n");
  EXPECT_FALSE(found.finding.grant);
  EXPECT_EQ(found.finding.refusal, "");
}

TEST(SearchKeys, ALineThatKeepsOutSaysWhy) {
  const Found found = search(std::string("from=\"192.0.2.1\" ") + kKey + "\n");
  EXPECT_FALSE(found.finding.grant);
  EXPECT_THAT(found.finding.refusal, HasSubstr("does not include"));
  ASSERT_EQ(found.warnings.size(), 1U);
  EXPECT_EQ(found.warnings[0].line, 1U);
}

TEST(SearchKeys, TheNextLineWithTheSameKeyMayLetIn) {
  const Found found = search(std::string("from=\"192.0.2.1\" ") + kKey + "\nno-pty " + kKey + "\n");
  ASSERT_TRUE(found.finding.grant);
  EXPECT_EQ(found.finding.grant->line, 2U);
  EXPECT_FALSE(found.finding.grant->pty);
}

TEST(SearchKeys, BrokenLinesAreSkippedWithAWarning) {
  for (const std::string& line : {std::string("garbage"), std::string("ssh-ed25519 ????"), std::string("ssh-rsa ") + (kKey + 12),
                                  std::string("ssh-dss AAAA"), std::string("ssh-ed25519"), "command=\"x " + std::string(kKey),
                                  std::string(kMaxKeyLine + 1, 'x')}) {
    const Found found = search(line + "\n" + kKey + "\n");
    EXPECT_TRUE(found.finding.grant) << line;
    EXPECT_EQ(found.warnings.size(), 1U) << line;
  }
}

TEST(SearchKeys, AnAuthorityIsNoUser) {
  EXPECT_FALSE(search(std::string("cert-authority ") + kKey + "\n").finding.grant);
  EXPECT_THAT(search(std::string("principals=\"alice\" ") + kKey + "\n").finding.refusal, HasSubstr("needs cert-authority"));
}

TEST(Base64, IsStrict) {
  EXPECT_EQ(text_of(*decode_base64("Zm9vYg==")), "foob");
  EXPECT_EQ(text_of(*decode_base64("Zm9vYmE=")), "fooba");
  for (const char* text : {"", "Zg", "Z===", "Zg=a", "Zm9v YmE=", "=Zm9"}) EXPECT_FALSE(decode_base64(text)) << text;
}

/// A certificate of alice's, looked for in lines of keys and of principals.
struct CertificateSearchTest : ::testing::Test {
  static const MadeKey& user() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }
  static const MadeKey& authority() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }

  enum class In { keys, principals };
  KeyFinding find(In where, const std::string& text) {
    const KeyQuery query = alice();
    const auto certificate = parse_certificate(made.make(user(), authority()));
    EXPECT_TRUE(certificate);
    CertificateLogin login(*certificate, query, 2048);
    KeyWarnings warnings;
    const KeySearch search{query, certificate->key, &login, {}};
    KeyFinding finding =
        where == In::keys ? search_keys(text, "f", search, warnings) : search_principals(text, "f", search, warnings);
    warned = !warnings.list().empty();
    return finding;
  }
  KeyFinding in_keys(const std::string& options) { return find(In::keys, authority().line(options) + "\n"); }
  KeyFinding in_principals(const std::string& text) { return find(In::principals, text); }

  MadeCertificate made;
  bool warned = false;
};

TEST_F(CertificateSearchTest, AnAuthoritysLineLetsInWhomItsCertificatesName) {
  const KeyFinding found = in_keys("cert-authority");
  ASSERT_TRUE(found.grant);
  EXPECT_EQ(found.grant->certificate->serial, 7U);
  EXPECT_EQ(found.grant->line, 1U);
  EXPECT_FALSE(found.grant->pty) << "the certificate doesn't permit it";
  made.principals = {"bob"};
  EXPECT_THAT(in_keys("cert-authority").refusal, HasSubstr("none of the principals"));
}

TEST_F(CertificateSearchTest, ThePrincipalsOfALineTakeThePlaceOfTheUsersName) {
  EXPECT_THAT(in_keys("cert-authority,principals=\"ops,dba\"").refusal, HasSubstr("none of the principals"));
  made.principals = {"dba"};
  EXPECT_TRUE(in_keys("cert-authority,principals=\"ops,dba\"").grant);
  made.principals = {"ops,dba"};
  EXPECT_FALSE(in_keys("cert-authority,principals=\"ops,dba\"").grant) << "a name with a comma is one name";
}

TEST_F(CertificateSearchTest, NeitherALineOfAUsersKeyNorTheCertifiedKeyItselfIsOne) {
  EXPECT_FALSE(in_keys("").grant);
  EXPECT_FALSE(find(In::keys, user().line() + "\n").grant) << "sshd doesn't take a certificate for a listed key either";
  EXPECT_FALSE(find(In::keys, user().line("cert-authority") + "\n").grant);
}

TEST_F(CertificateSearchTest, TheLinesOptionsRestrictToo) {
  made.extensions = {{"permit-port-forwarding", {}}, {"permit-pty", {}}};
  made.critical = {{"force-command", MadeCertificate::text("uptime")}};
  const KeyFinding found = in_keys("cert-authority,no-pty,permitopen=\"db:1\"");
  ASSERT_TRUE(found.grant);
  EXPECT_FALSE(found.grant->pty);
  EXPECT_TRUE(found.grant->port_forwarding);
  EXPECT_EQ(found.grant->command, "uptime");
  EXPECT_TRUE(found.grant->permit_open);
  EXPECT_THAT(in_keys("cert-authority,command=\"id\"").refusal, HasSubstr("another command"));
  EXPECT_TRUE(in_keys("cert-authority,command=\"uptime\"").grant);
  EXPECT_THAT(in_keys("cert-authority,from=\"192.0.2.1\"").refusal, HasSubstr("does not include"));
}

TEST_F(CertificateSearchTest, ABadCertificateIsRefusedWhereverItsAuthorityIsTrusted) {
  made.type = 2;
  EXPECT_THAT(in_keys("cert-authority").refusal, HasSubstr("not a user's"));
  EXPECT_THAT(in_principals("alice\n").refusal, HasSubstr("not a user's"));
}

TEST_F(CertificateSearchTest, FilesOfPrincipalsHaveNamesAndOptions) {
  made.principals = {"ops"};
  EXPECT_TRUE(in_principals("# who\nalice\n  ops  \n").grant);
  EXPECT_FALSE(in_principals("alice\noperators\n").grant);
  EXPECT_FALSE(in_principals("").grant);
  EXPECT_TRUE(in_principals("ops # of the night\n").grant);
  EXPECT_FALSE(in_principals("# ops\n").grant);
  const KeyFinding found = in_principals("from=\"10.*\",command=\"echo # a\"\tops\n");
  ASSERT_TRUE(found.grant);
  EXPECT_EQ(found.grant->command, "echo # a");
  EXPECT_THAT(in_principals("from=\"192.0.2.1\" ops\n").refusal, HasSubstr("does not include"));
  EXPECT_TRUE(in_principals("from=\"192.0.2.1\" ops\nno-pty ops\n").grant);
}

TEST_F(CertificateSearchTest, BadLinesOfPrincipalsAreSkippedWithAWarning) {
  for (const char* line : {"no-such-thing alice", "cert-authority alice", "principals=\"alice\" alice"}) {
    EXPECT_FALSE(in_principals(std::string(line) + "\n").grant) << line;
    EXPECT_TRUE(warned) << line;
    EXPECT_TRUE(in_principals(std::string(line) + "\nalice\n").grant) << line;
  }
  EXPECT_TRUE(in_principals(std::string(kMaxKeyLine + 1, 'x') + "\nalice\n").grant);
  EXPECT_TRUE(warned);
}

}  // namespace
}  // namespace sallyport::auth
