#include "auth/lookup/key_check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/keys/public_key.hpp"
#include "made_keys.hpp"

namespace sallyport::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct KeyCheckTest : ::testing::Test {
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-auth-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    settings.authorized_keys = {path("keys/{user}")};
    std::filesystem::create_directory(path("keys"));
    query.user = "alice";
    query.blob = user().blob();
    query.source = "10.1.2.3";
    query.now = std::chrono::system_clock::now();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string& name) const { return folder + "/" + name; }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path(name)) << text;
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
  }
  KeyVerdict check() {
    return check_key({settings, folder,
                      [this](const std::vector<std::string>& argv) {
                        asked = argv;
                        return command;
                      }},
                     query);
  }
  /// The user comes with a certificate instead.
  void certify() { query.blob = made.make(user(), authority()); }

  static const MadeKey& user() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }
  static const MadeKey& authority() {
    static const MadeKey key("ecdsa-sha2-nistp256");
    return key;
  }

  std::string folder;
  AuthSettings settings;
  KeyQuery query;
  MadeCertificate made;
  std::vector<std::string> asked;
  Result<std::string> command = std::string();
};

TEST_F(KeyCheckTest, AListedKeyIsLetIn) {
  write("keys/alice", user().line("no-pty") + "\n");
  const KeyVerdict verdict = check();
  ASSERT_TRUE(verdict.grant);
  EXPECT_FALSE(verdict.grant->pty);
  EXPECT_EQ(verdict.grant->file, path("keys/alice"));
  EXPECT_EQ(verdict.fingerprint, fingerprint_of(user().blob()));
  EXPECT_FALSE(verdict.certificate);
}

TEST_F(KeyCheckTest, WithoutAFileThereAreNoKeys) {
  const KeyVerdict verdict = check();
  EXPECT_FALSE(verdict.grant || verdict.unavailable);
  EXPECT_THAT(verdict.refusal, HasSubstr("not one of the user's"));
}

TEST_F(KeyCheckTest, AFileThatCannotBeTrustedIsNoVerdict) {
  write("keys/alice", user().line() + "\n", 0666);
  const KeyVerdict verdict = check();
  EXPECT_FALSE(verdict.grant);
  EXPECT_TRUE(verdict.unavailable);
  EXPECT_THAT(verdict.refusal, HasSubstr("others may write it"));
  settings.strict_modes = false;
  EXPECT_TRUE(check().grant);
}

TEST_F(KeyCheckTest, AGoodFileCountsBesideABadOne) {
  write("bad", user().line() + "\n", 0666);
  write("keys/alice", user().line() + "\n");
  settings.authorized_keys.insert(settings.authorized_keys.begin(), path("bad"));
  const KeyVerdict verdict = check();
  EXPECT_TRUE(verdict.grant);
  EXPECT_EQ(verdict.warnings.size(), 1U);
}

TEST_F(KeyCheckTest, FilesInAHomeAreThoseOfTheAccount) {
  settings.authorized_keys = {"{home}/authorized"};
  write("authorized", user().line() + "\n", 0644);
  EXPECT_FALSE(check().grant) << "there is no such account";
  query.account = UserAccount{folder, ::geteuid(), ::getegid()};
  EXPECT_TRUE(check().grant);
}

TEST_F(KeyCheckTest, FilesBelowAHomeAreReadWithTheAccountsRightsHoweverTheyAreNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can take others' rights";
  std::filesystem::create_directories(path("homes/alice/.ssh"));
  std::filesystem::create_symlink("homes", path("link"));
  for (const char* name : {"", "homes", "homes/alice", "homes/alice/.ssh"}) ASSERT_EQ(::chmod(path(name).c_str(), 0755), 0);
  write("roots-own", user().line() + "\n", 0600);
  std::filesystem::create_symlink(path("roots-own"), path("homes/alice/.ssh/authorized_keys"));
  for (const char* home : {"homes/alice", "homes/alice/", "link/alice", "homes//./alice"}) {
    query.account = UserAccount{path(home), 12345, 12345};
    for (const char* file : {"homes/{user}/.ssh/authorized_keys", "link/{user}/.ssh/authorized_keys",
                             "homes/../homes/{user}/.ssh/../.ssh/authorized_keys"}) {
      settings.authorized_keys = {path(file)};
      ASSERT_EQ(::chmod(path("roots-own").c_str(), 0600), 0);
      EXPECT_THAT(check().refusal, HasSubstr("Permission denied")) << home << " " << file;
      ASSERT_EQ(::chmod(path("roots-own").c_str(), 0644), 0);
      EXPECT_TRUE(check().grant) << home << " " << file;
    }
  }
}

TEST_F(KeyCheckTest, FilesOutsideAHomeAreReadWithTheDaemonsRights) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can take others' rights";
  write("keys/alice", user().line() + "\n", 0600);
  std::filesystem::create_directories(path("homes/alice"));
  for (const std::string& home : {path("homes/alice"), path("none"), path("key"), std::string("/"), std::string()}) {
    query.account = UserAccount{home, 12345, 12345};
    EXPECT_TRUE(check().grant) << home;
  }
}

TEST_F(KeyCheckTest, UnsafeUsersNeverReachAPath) {
  query.user = "../alice";
  EXPECT_THAT(check().refusal, HasSubstr("not safe"));
}

TEST_F(KeyCheckTest, ShortRsaKeysAreRefused) {
  const MadeKey rsa("ssh-rsa", 1024);
  query.blob = rsa.blob();
  write("keys/alice", rsa.line() + "\n");
  EXPECT_THAT(check().refusal, HasSubstr("has 1024 bits, 2048 are required"));
  settings.min_rsa_size = 1024;
  EXPECT_TRUE(check().grant);
}

TEST_F(KeyCheckTest, GarbageIsRefused) {
  query.blob = {1, 2, 3};
  EXPECT_FALSE(check().grant);
  query.blob = made.make(user(), authority());
  query.blob.pop_back();
  const KeyVerdict verdict = check();
  EXPECT_THAT(verdict.refusal, HasSubstr("malformed"));
  EXPECT_FALSE(verdict.certificate);
}

TEST_F(KeyCheckTest, TheProgramIsAskedLast) {
  settings.authorized_keys_command = {"/bin/sh", "{user}", "{key_type}", "{key}", "{fingerprint}", "x{user}"};
  settings.strict_modes = false;
  command = user().line("no-pty") + "\n";
  const KeyVerdict verdict = check();
  ASSERT_TRUE(verdict.grant);
  EXPECT_EQ(verdict.grant->file, "/bin/sh");
  EXPECT_THAT(asked, ElementsAre("/bin/sh", "alice", "ssh-ed25519", encode_base64(user().blob()), fingerprint_of(user().blob()),
                                 "xalice"));
  asked.clear();
  write("keys/alice", user().line() + "\n");
  EXPECT_TRUE(check().grant);
  EXPECT_TRUE(asked.empty());
}

TEST_F(KeyCheckTest, AProgramThatFailsIsNoVerdict) {
  settings.authorized_keys_command = {"/bin/sh"};
  settings.strict_modes = false;
  command = fail(Errc::timeout, "the program took too long");
  const KeyVerdict verdict = check();
  EXPECT_TRUE(verdict.unavailable);
  EXPECT_THAT(verdict.refusal, HasSubstr("/bin/sh: the program took too long"));
}

TEST_F(KeyCheckTest, AProgramThatOthersMayChangeIsNotRun) {
  write("program", "", 0777);
  settings.authorized_keys_command = {path("program")};
  EXPECT_TRUE(check().unavailable);
  EXPECT_TRUE(asked.empty());
}

TEST_F(KeyCheckTest, ACertificateOfATrustedAuthorityIsLetIn) {
  certify();
  EXPECT_THAT(check().refusal, HasSubstr("no authority that is trusted"));
  write("ca", authority().line() + "\n");
  settings.trusted_user_ca_keys = {path("ca")};
  const KeyVerdict verdict = check();
  ASSERT_TRUE(verdict.grant) << verdict.refusal;
  EXPECT_EQ(verdict.fingerprint, fingerprint_of(user().blob()));
  EXPECT_EQ(verdict.certificate->key_id, "alice@laptop");
  EXPECT_EQ(verdict.grant->certificate, verdict.certificate);
  query.user = "bob";
  EXPECT_THAT(check().refusal, HasSubstr("does not name the user"));
}

TEST_F(KeyCheckTest, TheAuthorityItselfIsNotLetIn) {
  query.blob = authority().blob();
  write("ca", authority().line() + "\n");
  settings.trusted_user_ca_keys = {path("ca")};
  EXPECT_FALSE(check().grant);
}

TEST_F(KeyCheckTest, PrincipalsOfFilesTakeThePlaceOfTheUsersName) {
  certify();
  write("ca", authority().line() + "\n");
  settings.trusted_user_ca_keys = {path("ca")};
  settings.authorized_principals = {path("principals.{user}")};
  EXPECT_THAT(check().refusal, HasSubstr("none of the user's principals")) << "without the file nobody is one";
  write("principals.alice", "no-pty alice\n");
  EXPECT_EQ(check().grant->file, path("principals.alice"));
  write("principals.alice", "carol\n");
  EXPECT_FALSE(check().grant);
}

TEST_F(KeyCheckTest, AnAuthoritysFileThatCannotBeTrustedTrustsNobody) {
  certify();
  write("ca", authority().line() + "\n", 0666);
  settings.trusted_user_ca_keys = {path("none"), path("ca")};
  const KeyVerdict verdict = check();
  EXPECT_TRUE(verdict.unavailable);
  EXPECT_EQ(verdict.warnings.size(), 2U);
}

TEST_F(KeyCheckTest, AnAuthorityMayStandAmongTheUsersKeysOrComeFromTheProgram) {
  certify();
  write("keys/alice", authority().line("cert-authority") + "\n");
  EXPECT_TRUE(check().grant);
  write("keys/alice", "");
  settings.authorized_keys_command = {"/bin/sh", "{key_type}", "{key}"};
  settings.strict_modes = false;
  command = authority().line("cert-authority") + "\n";
  EXPECT_TRUE(check().grant);
  EXPECT_THAT(asked, ElementsAre("/bin/sh", "ssh-ed25519-cert-v01@openssh.com", encode_base64(query.blob)));
}

TEST_F(KeyCheckTest, WhatIsRevokedIsRefused) {
  write("keys/alice", user().line() + "\n");
  write("revoked", user().line() + "\n", 0644);
  settings.revoked_keys = {path("revoked")};
  EXPECT_THAT(check().refusal, HasSubstr("revoked by"));
  certify();
  write("ca", authority().line() + "\n");
  settings.trusted_user_ca_keys = {path("ca")};
  EXPECT_THAT(check().refusal, HasSubstr("revoked by")) << "its certificate as well";
  write("revoked", authority().line() + "\n");
  EXPECT_THAT(check().refusal, HasSubstr("revoked by")) << "and those of a revoked authority";
  write("revoked", "# nobody\n");
  EXPECT_TRUE(check().grant);
}

TEST_F(KeyCheckTest, NobodyGetsInWhileItIsNotKnownWhatIsRevoked) {
  write("keys/alice", user().line() + "\n");
  settings.revoked_keys = {path("revoked")};
  for (const char* text : {"garbage\n", "SSHKRL\n"}) {
    write("revoked", text);
    const KeyVerdict verdict = check();
    EXPECT_TRUE(!verdict.grant && verdict.unavailable) << text;
  }
  std::filesystem::remove(path("revoked"));
  EXPECT_TRUE(check().unavailable);
}

TEST_F(KeyCheckTest, WhatIsWrongForEverybodyIsToldBeforehand) {
  const KeyRules rules{settings, folder, {}};
  EXPECT_TRUE(check_key_files(rules).empty());
  settings.revoked_keys = {path("revoked")};
  settings.trusted_user_ca_keys = {path("ca"), path("none")};
  settings.authorized_keys_command = {path("program")};
  write("revoked", "garbage\n");
  write("ca", "garbage\n" + authority().line() + "\n");
  write("program", "", 0777);
  const auto warnings = check_key_files(rules);
  ASSERT_EQ(warnings.size(), 4U);
  EXPECT_THAT(warnings[0].reason, HasSubstr("nobody gets in with a key: line 1"));
  EXPECT_EQ(warnings[1].line, 1U);
  EXPECT_THAT(warnings[2].reason, HasSubstr("no authority is trusted"));
  EXPECT_THAT(warnings[3].reason, HasSubstr("it is not run"));
  write("revoked", user().line() + "\n");
  write("ca", authority().line() + "\n");
  settings.trusted_user_ca_keys = {path("ca")};
  write("program", "", 0700);
  EXPECT_TRUE(check_key_files(rules).empty());
}

}  // namespace
}  // namespace sallyport::auth
