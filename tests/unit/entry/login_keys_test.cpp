// Offers, signatures, and what the look-up of a key has to say.
#include "entrance.hpp"

namespace sallyport::entry {
namespace {

class LoginKeyTest : public LoginTest {
 protected:
  LoginKeyTest() {
    begin();
    client().take();
  }
};

TEST_F(LoginKeyTest, AnOfferIsAnsweredAndNoLogin) {
  client().request(offer_of("good"));
  EXPECT_THAT(client().take(), IsEmpty());
  check().grant();
  EXPECT_THAT(client().take(), ElementsAre("offer ok"));
  EXPECT_THAT(check().take(), ElementsAre("key alice good"));
  EXPECT_EQ(check().claimant.source, "192.0.2.1");
  EXPECT_EQ(check().claimant.config, config);
}

TEST_F(LoginKeyTest, OneLookUpServesOfferAndSignature) {
  client().request(offer_of("good"));
  check().grant();
  client().request(signed_by("good"));
  EXPECT_THAT(check().take(), ElementsAre("key alice good", "session alice"));
}

TEST_F(LoginKeyTest, AnotherKeyIsLookedUp) {
  client().request(offer_of("good"));
  check().grant();
  client().request(signed_by("other"));
  check().refuse_key("not in the user's keys");
  EXPECT_THAT(check().take(), ElementsAre("key alice good", "key alice other"));
  EXPECT_THAT(client().take(), ElementsAre("offer ok", "reject"));
}

TEST_F(LoginKeyTest, RefusedOffersAreNoFailedLoginEach) {
  client().request(offer_of("first"));
  check().refuse_key("not in the user's keys");
  EXPECT_EQ(line_with("key not accepted"),
            "conn=c1 key not accepted user=\"alice\" key=SHA256:first reason=\"not in the user\\'s keys\"");
  EXPECT_FALSE(log.has("authentication refused"));
  EXPECT_EQ(audit.lines.back(),
            "auth connection=1 login=alice method=publickey key=SHA256:first success=false reason=not in the user's keys");
  client().request(offer_of("second"));
  check().refuse_key("not in the user's keys");
  client().fail(Errc::closed, "closed by peer");
  // One in all, when nothing else has been tried.
  EXPECT_EQ(
      line_with("authentication refused"),
      "conn=c1 authentication refused user=\"alice\" source=192.0.2.1 port=50000 method=publickey reason=\"closed by peer\"");
  EXPECT_EQ(line_with("closed before login"), "conn=c1 closed before login source=192.0.2.1:50000 reason=\"closed by peer\"");
  EXPECT_EQ(audit.lines.back(), "close connection=1 reason=closed by peer");
  EXPECT_THAT(ends, ElementsAre("failed authentication"));
}

TEST_F(LoginKeyTest, ARefusedSignatureIsOne) {
  client().request(signed_by("bad"));
  check().refuse_key("revoked");
  EXPECT_EQ(line_with("authentication refused"),
            "conn=c1 authentication refused user=\"alice\" source=192.0.2.1 port=50000 method=publickey reason=\"revoked\"");
  const std::size_t lines = log.lines().size();
  client().fail(Errc::closed, "closed by peer");
  EXPECT_EQ(log.lines().size(), lines + 1);
}

TEST_F(LoginKeyTest, AKeyThatCantBeUsedIsNotLookedUp) {
  UserauthRequest request = signed_by("good");
  request.key.reset();
  client().request(request);
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_THAT(check().take(), IsEmpty());
  EXPECT_THAT(line_with("authentication refused"), HasSubstr("reason=\"the key or its signature can\\'t be used\""));
}

TEST_F(LoginKeyTest, NoVerdictIsKeptWhenNobodyCouldTell) {
  client().request(offer_of("good"));
  KeyVerdict verdict;
  verdict.unavailable = true;
  verdict.refusal = "revoked_keys can't be read";
  verdict.warnings = {{"/keys/alice", 3, "no such type"}};
  check().events->on_key(verdict);
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_EQ(line_with("key file"), "conn=c1 key file /keys/alice:3: no such type");
  EXPECT_EQ(line_with("keys unavailable"), "conn=c1 keys unavailable user=alice reason=\"revoked_keys can\\'t be read\"");
  EXPECT_THAT(line_with("key not accepted"), HasSubstr("reason=\"the user\\'s keys are unavailable\""));
  client().request(offer_of("good"));
  EXPECT_EQ(check().take().size(), 2U);
}

TEST_F(LoginKeyTest, GrantAndKeyGoAlong) {
  client().request(signed_by("good"));
  LoginGrant grant;
  grant.file = "/keys/alice";
  grant.pty = false;
  grant.certificate = CertificateIdentity{{"alice@ca", "SHA256:ca"}, 7};
  check().grant(grant);
  check().open();
  client().log_in();
  ASSERT_NE(admitted(), nullptr);
  EXPECT_EQ(admitted()->grant, grant);
  EXPECT_EQ(admitted()->fingerprint, "SHA256:good");
  EXPECT_EQ(text_of(admitted()->key), "good");
  EXPECT_EQ(
      line_with("authenticated"),
      "conn=c1 authenticated user=alice method=publickey key=SHA256:good source=192.0.2.1:50000 key_id=\"alice@ca\" serial=7 "
      "ca=SHA256:ca");
  EXPECT_THAT(audit.lines, Contains("auth connection=1 login=alice method=publickey source=192.0.2.1 port=50000 key=SHA256:good "
                                    "success=true mfa=false key_id=alice@ca serial=7 ca=SHA256:ca"));
}

TEST_F(LoginKeyTest, ARefusedCertificateIsNamed) {
  client().request(signed_by("cert"));
  KeyVerdict verdict;
  verdict.refusal = "the certificate has expired";
  verdict.fingerprint = "SHA256:of its key";
  verdict.certificate = CertificateIdentity{{"bob@ca", "SHA256:ca"}, 8};
  check().events->on_key(verdict);
  EXPECT_THAT(line_with("authentication refused"),
              HasSubstr("reason=\"the certificate has expired\" key_id=\"bob@ca\" serial=8 ca=SHA256:ca"));
  EXPECT_THAT(audit.lines.back(), HasSubstr("key=SHA256:of its key success=false"));
}

struct Authenticator {
  const char* name;
  bool touch_required, verify_required, touched, verified;
  const char* refusal;  ///< empty: let in
};

class AuthenticatorTest : public ::testing::WithParamInterface<Authenticator>, public LoginKeyTest {};

TEST_P(AuthenticatorTest, MustHaveBeenUsedAsTheGrantSays) {
  const Authenticator& row = GetParam();
  UserauthRequest request = signed_by("sk");
  request.key->algorithm = "sk-ssh-ed25519@openssh.com";
  request.key->user_present = row.touched;
  request.key->user_verified = row.verified;
  client().request(request);
  LoginGrant grant;
  grant.touch_required = row.touch_required;
  grant.verify_required = row.verify_required;
  check().grant(grant);
  if (std::string_view(row.refusal).empty()) {
    EXPECT_EQ(check().take().back(), "session alice");
  } else {
    EXPECT_THAT(client().take(), ElementsAre("reject"));
    EXPECT_THAT(line_with("authentication refused"), HasSubstr("reason=\"" + std::string(row.refusal) + "\""));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Flags, AuthenticatorTest,
    ::testing::Values(Authenticator{"Touched", true, false, true, false, ""},
                      Authenticator{"NotTouched", true, false, false, true, "the security key was not touched"},
                      Authenticator{"NeedsNoTouch", false, false, false, false, ""},
                      Authenticator{"Verified", true, true, true, true, ""},
                      Authenticator{"NotVerified", true, true, true, false, "the security key\\'s user was not verified"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sallyport::entry
