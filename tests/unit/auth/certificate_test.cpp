#include "auth/keys/certificate.hpp"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/lookup/authorized_keys.hpp"
#include "made_keys.hpp"

namespace sallyport::auth {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kNow = 1'750'000'000;

KeyQuery query_from(std::string source = "10.1.2.3") {
  KeyQuery query;
  query.user = "alice";
  query.source = std::move(source);
  query.now = std::chrono::system_clock::from_time_t(static_cast<std::time_t>(kNow));
  return query;
}

const MadeKey& user_key() {
  static const MadeKey key("ssh-ed25519");
  return key;
}
const MadeKey& authority() {
  static const MadeKey key("ssh-ed25519");
  return key;
}

Result<LoginGrant> check(const MadeCertificate& made, const MadeKey& by = authority(), unsigned min_rsa_bits = 2048) {
  const auto certificate = parse_certificate(made.make(user_key(), by));
  if (!certificate) return fail(certificate.error());
  return check_certificate(*certificate, query_from(), min_rsa_bits);
}

TEST(Certificate, TellsWhatStandsInIt) {
  MadeCertificate made;
  made.principals = {"alice", "ops"};
  made.valid_after = 5;
  made.critical = {{"force-command", MadeCertificate::text("id")}};
  const Bytes blob = made.make(user_key(), authority());
  EXPECT_TRUE(is_certificate(blob));
  EXPECT_FALSE(is_certificate(user_key().blob()));
  const auto certificate = parse_certificate(blob);
  ASSERT_TRUE(certificate) << certificate.error().detail;
  EXPECT_EQ(certificate->key.blob(), user_key().blob());
  EXPECT_EQ(certificate->authority.blob(), authority().blob());
  EXPECT_EQ(certificate->serial, 7U);
  EXPECT_EQ(certificate->key_id, "alice@laptop");
  EXPECT_THAT(certificate->principals, ::testing::ElementsAre("alice", "ops"));
  EXPECT_EQ(certificate->valid_after, 5U);
  EXPECT_EQ(certificate->identity(), (CertificateIdentity{{"alice@laptop", fingerprint_of(authority().blob())}, 7}));
}

class AuthorityTest : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(AuthorityTest, AnyTypeOfKeySignsForAnyType) {
  const auto [user_type, authority_type] = GetParam();
  const MadeKey key(user_type);
  const MadeKey by(authority_type);
  const auto certificate = parse_certificate(MadeCertificate{}.make(key, by));
  ASSERT_TRUE(certificate) << certificate.error().detail;
  EXPECT_EQ(certificate->key.blob(), key.blob());
  const auto grant = check_certificate(*certificate, query_from(), 2048);
  EXPECT_TRUE(grant) << grant.error().detail;
}

INSTANTIATE_TEST_SUITE_P(Types, AuthorityTest,
                         ::testing::Values(std::pair{"ssh-ed25519", "ssh-rsa"}, std::pair{"ssh-rsa", "ecdsa-sha2-nistp256"},
                                           std::pair{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"},
                                           std::pair{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"},
                                           std::pair{"ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com"},
                                           std::pair{"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"},
                                           std::pair{"sk-ecdsa-sha2-nistp256@openssh.com", "ssh-ed25519"}),
                         [](const auto& row) { return "Pair" + std::to_string(row.index); });

TEST(Certificate, PermitsOnlyWhatItNames) {
  const auto nothing = check({});
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->pty || nothing->agent_forwarding || nothing->port_forwarding || nothing->x11_forwarding ||
               nothing->user_rc);
  EXPECT_TRUE(nothing->touch_required);
  EXPECT_FALSE(nothing->verify_required || nothing->command);
  EXPECT_EQ(nothing->certificate->key_id, "alice@laptop");
  MadeCertificate made;
  for (const char* name : {"no-touch-required", "permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding",
                           "permit-pty", "permit-user-rc", "unknown@example.org"}) {
    made.extensions.push_back({name, {}});
  }
  const auto all = check(made);
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->pty && all->agent_forwarding && all->port_forwarding && all->x11_forwarding && all->user_rc);
  EXPECT_FALSE(all->touch_required);
}

TEST(Certificate, CriticalOptionsBind) {
  MadeCertificate made;
  made.critical = {{"force-command", MadeCertificate::text("uptime")},
                   {"source-address", MadeCertificate::text("192.0.2.0/24,10.0.0.0/8")},
                   {"verify-required", {}}};
  const auto grant = check(made);
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(grant->command, "uptime");
  EXPECT_TRUE(grant->verify_required);
}

struct Refusal {
  const char* name;
  std::function<void(MadeCertificate&)> change;
  const char* reason;
};

class RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, IsRefused) {
  MadeCertificate made;
  GetParam().change(made);
  const auto grant = check(made);
  ASSERT_FALSE(grant);
  EXPECT_THAT(grant.error().detail, HasSubstr(GetParam().reason));
}

const Refusal kRefusals[] = {
    {"OfAHost", [](auto& c) { c.type = 2; }, "not a user's"},
    {"OfNoKnownType", [](auto& c) { c.type = 3; }, "not a user's"},
    {"Expired", [](auto& c) { c.valid_before = kNow; }, "has expired"},
    {"NotYetValid", [](auto& c) { c.valid_after = kNow + 1; }, "not valid yet"},
    {"NoPrincipals", [](auto& c) { c.principals.clear(); }, "no principal"},
    {"UnknownCriticalOption",
     [](auto& c) {
       c.critical = {{"new@example.org", {}}};
     },
     "\"new@example.org\", which is unknown"},
    {"ExtensionAsCriticalOption",
     [](auto& c) {
       c.critical = {{"permit-pty", {}}};
     },
     "unknown here"},
    {"ForceCommandTwice",
     [](auto& c) {
       c.critical = {{"force-command", c.text("a")}, {"force-command", c.text("a")}};
     },
     "twice"},
    {"SourceAddressTwice",
     [](auto& c) {
       c.critical = {{"source-address", c.text("10.0.0.0/8")}, {"source-address", c.text("0.0.0.0/0")}};
     },
     "twice"},
    {"SourceElsewhere",
     [](auto& c) {
       c.critical = {{"source-address", c.text("192.0.2.0/24")}};
     },
     "does not include"},
    {"SourceUnreadable",
     [](auto& c) {
       c.critical = {{"source-address", c.text("*.example.org,10.0.0.0/8")}};
     },
     "can't be read"},
    {"SourceEmpty",
     [](auto& c) {
       c.critical = {{"source-address", c.text("")}};
     },
     "can't be read"},
    {"CommandWithoutText",
     [](auto& c) {
       c.critical = {{"force-command", {}}};
     },
     "malformed"},
    {"CommandWithMore",
     [](auto& c) {
       c.critical = {{"force-command", c.text("a")}};
       c.critical[0].second.push_back(0);
     },
     "malformed"},
    {"CommandWithNul",
     [](auto& c) {
       c.critical = {{"force-command", c.text({"a\0b", 3})}};
     },
     "malformed"},
    {"VerifyWithData",
     [](auto& c) {
       c.critical = {{"verify-required", c.text("x")}};
     },
     "malformed"},
    {"ExtensionWithData",
     [](auto& c) {
       c.extensions = {{"permit-pty", c.text("x")}};
     },
     "malformed"},
    {"KeyIdWithNul", [](auto& c) { c.key_id = std::string("a\0b", 3); }, "key id"},
    {"PrincipalWithNul", [](auto& c) { c.principals = {std::string("alice\0", 6)}; }, "principals"},
    {"TooManyPrincipals", [](auto& c) { c.principals.assign(kMaxPrincipals + 1, "alice"); }, "principals"},
    {"TooLarge", [](auto& c) { c.principals.assign(2, std::string(kMaxCertificate, 'x')); }, "too large"},
};

INSTANTIATE_TEST_SUITE_P(Rows, RefusalTest, ::testing::ValuesIn(kRefusals),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Certificate, AnAuthoritysRsaKeyHasToBeLongAndUseSha2) {
  const MadeKey small("ssh-rsa", 1024);
  EXPECT_FALSE(check({}, small));
  EXPECT_TRUE(check({}, small, 1024));
  const MadeKey rsa("ssh-rsa");
  MadeCertificate old;
  old.signature_algorithm = "ssh-rsa";
  EXPECT_THAT(check(old, rsa).error().detail, HasSubstr("not accepted"));
}

TEST(Certificate, ACertificateIsNoAuthority) {
  // What MadeCertificate puts in as the authority's key is replaced by a certificate of that key.
  Bytes blob = MadeCertificate{}.make(user_key(), authority());
  const Bytes inner = MadeCertificate{}.make(authority(), authority());
  const auto at = std::search(blob.begin() + 60, blob.end(), authority().blob().begin(), authority().blob().end());
  ASSERT_NE(at, blob.end());
  const auto offset = at - blob.begin();
  blob.erase(at - 4, at + static_cast<std::ptrdiff_t>(authority().blob().size()));
  const Bytes field = MadeCertificate::text(text_of(inner));
  blob.insert(blob.begin() + offset - 4, field.begin(), field.end());
  const auto parsed = parse_certificate(blob);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().detail, HasSubstr("its authority"));
}

TEST(Certificate, NoPartOfOneAndNoChangedOneIsGood) {
  MadeCertificate made;
  made.critical = {{"force-command", MadeCertificate::text("uptime")}};
  made.extensions = {{"permit-pty", {}}};
  const Bytes blob = made.make(user_key(), authority());
  for (std::size_t size = 0; size < blob.size(); ++size) EXPECT_FALSE(parse_certificate(ByteView(blob).first(size))) << size;
  for (std::size_t i = 0; i < blob.size(); ++i) {
    for (const unsigned flip : {1U, 0x80U, 0xffU}) {
      Bytes changed = blob;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      const auto certificate = parse_certificate(changed);
      EXPECT_FALSE(certificate && check_certificate(*certificate, query_from(), 2048)) << i;
    }
  }
  Bytes longer = blob;
  longer.push_back(0);
  EXPECT_FALSE(parse_certificate(longer));
}

}  // namespace
}  // namespace sallyport::auth
