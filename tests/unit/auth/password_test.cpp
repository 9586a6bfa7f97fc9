// Hashes, files of them, and the count of failures.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "auth/factors/password_failures.hpp"
#include "auth/factors/password_file.hpp"
#include "auth/factors/password_hash.hpp"
#include "auth/factors/secret_file.hpp"
#include "temporary_folder.hpp"

namespace sallyport::auth {
namespace {

using test::TemporaryFolder;

// By another implementation: perl -e 'print crypt("correct horse", q($6$abcdefgh))'
constexpr const char* kSha512OfCorrectHorse =
    "$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.";

std::string hash_of(const std::string& password) {
  const auto hash = hash_password(SecretString(password));
  EXPECT_TRUE(hash);
  return hash ? *hash : std::string();
}

TEST(PasswordHashTest, IsYescryptWithSaltOfItsOwn) {
  const std::string hash = hash_of("correct horse");
  EXPECT_TRUE(hash.starts_with("$y$")) << hash;
  EXPECT_NE(hash, hash_of("correct horse"));
  EXPECT_TRUE(is_strong_hash(hash));
  EXPECT_TRUE(matches_hash(SecretString("correct horse"), hash));
  EXPECT_FALSE(matches_hash(SecretString("correct horsf"), hash));
  EXPECT_FALSE(matches_hash(SecretString(), hash));
}

TEST(PasswordHashTest, WhatFollowsAZeroCounts) {
  const std::string hash = hash_of("correct horse");
  EXPECT_FALSE(matches_hash(SecretString(std::string("correct horse\0x", 15)), hash));
}

TEST(PasswordHashTest, KnowsTheOtherStrongKinds) {
  EXPECT_TRUE(is_strong_hash(kSha512OfCorrectHorse));
  EXPECT_TRUE(matches_hash(SecretString("correct horse"), kSha512OfCorrectHorse));
}

TEST(PasswordHashTest, WeakOnesAndOtherTextsAreNone) {
  for (const char* text : {"", "*", "!", "!!", "x", "ab8RVOZTX9aDc", "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "$y$", "plain text"}) {
    EXPECT_FALSE(is_strong_hash(text)) << text;
    EXPECT_FALSE(matches_hash(SecretString(text), text)) << text;
  }
}

TEST(PasswordHashTest, RefusesWhatCanBeNoPassword) {
  for (const std::string& text :
       {std::string(), std::string(kMaxPassword + 1, 'x'), std::string("a\0b", 3), std::string("a\nb")}) {
    EXPECT_FALSE(hash_password(SecretString(text)));
  }
}

struct PasswordRow {
  const char* user;
  const char* password;
  bool accepted;
  const char* reason;
};

class PasswordFileTest : public ::testing::TestWithParam<PasswordRow> {};

TEST_P(PasswordFileTest, Decides) {
  static const std::string text = "# who may come in\n\nalice:" + hash_of("apple") + "\nbob:" + hash_of("banana") +
                                  ":19000:0:99999:7:::\r\nlocked:!" + hash_of("cherry") + "\nempty:\n:" + hash_of("nobody") +
                                  "\nno colon\nalice:" + hash_of("second") + "\n";
  const PasswordRow& row = GetParam();
  const FactorCheck check = check_password(text, row.user, SecretString(row.password));
  EXPECT_EQ(check.accepted, row.accepted);
  EXPECT_EQ(check.reason, row.reason);
}

INSTANTIATE_TEST_SUITE_P(Rows, PasswordFileTest,
                         ::testing::Values(PasswordRow{"alice", "apple", true, ""}, PasswordRow{"bob", "banana", true, ""},
                                           PasswordRow{"alice", "banana", false, "wrong password"},
                                           PasswordRow{"alice", "", false, "wrong password"},
                                           PasswordRow{"alice", "second", false, "wrong password"},
                                           PasswordRow{"locked", "cherry", false, "the user's hash is locked, weak or none"},
                                           PasswordRow{"empty", "", false, "the user's hash is locked, weak or none"},
                                           PasswordRow{"", "nobody", false, "the user is not in the password file"},
                                           PasswordRow{"# who may come in", "x", false, "the user is not in the password file"},
                                           PasswordRow{"carol", "apple", false, "the user is not in the password file"}));

TEST(PasswordFileTest, AFileThatOthersCanReadIsNotBelieved) {
  const TemporaryFolder folder;
  const std::string text = "alice:" + hash_of("apple") + "\n";
  for (const mode_t mode : {0640U, 0604U, 0620U, 0644U}) {
    const std::string file = folder.write("passwords", text, mode);
    const auto check = check_password_in(file, "alice", SecretString("apple"));
    ASSERT_FALSE(check);
    EXPECT_EQ(check.error().code, Errc::unavailable);
  }
  EXPECT_TRUE(check_password_in(folder.write("passwords", text, 0400), "alice", SecretString("apple"))->accepted);
  EXPECT_FALSE(check_password_in(folder.file("none"), "alice", SecretString("apple")));
}

TEST(SecretFileTest, IsARegularFileWithinTheLimit) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_secret_file(folder.write("a", "0123456789"), 10)->view(), "0123456789");
  EXPECT_EQ(read_secret_file(folder.write("a", "0123456789"), 9).error().code, Errc::unavailable);
  EXPECT_EQ(read_secret_file(folder.file("none")).error().code, Errc::not_found);
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_secret_file(folder.file("fifo")).error().code, Errc::unavailable);
}

TEST(SecretFileTest, ReplacesWholly) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a", "old text", 0644);
  ASSERT_TRUE(replace_secret_file(file, "new"));
  EXPECT_EQ(read_secret_file(file)->view(), "new");  // which looks at the mode
  EXPECT_EQ(replace_secret_file(folder.file("none/a"), "x").error().code, Errc::unavailable);
}

constexpr TimePoint kStart{Duration{1'000'000}};
constexpr Duration kWindow{10'000};

TEST(PasswordFailuresTest, LocksAtTheLimitForOneWindow) {
  PasswordFailures failures;
  failures.configure(3, kWindow);
  failures.add("alice", kStart);
  failures.add("alice", kStart + Duration{5'000});
  EXPECT_FALSE(failures.locked("alice", kStart + Duration{5'000}));
  failures.add("alice", kStart + Duration{9'000});
  EXPECT_TRUE(failures.locked("alice", kStart + Duration{9'000}));
  EXPECT_FALSE(failures.locked("bob", kStart + Duration{9'000}));
  failures.add("alice", kStart + Duration{15'000});  // makes it no longer
  EXPECT_TRUE(failures.locked("alice", kStart + Duration{18'999}));
  EXPECT_FALSE(failures.locked("alice", kStart + Duration{19'000}));
  EXPECT_EQ(failures.size(), 0U);
}

TEST(PasswordFailuresTest, ForgetsWhatIsOld) {
  PasswordFailures failures;
  failures.configure(2, kWindow);
  failures.add("alice", kStart);
  failures.add("alice", kStart + kWindow);
  EXPECT_FALSE(failures.locked("alice", kStart + kWindow));
}

TEST(PasswordFailuresTest, ZeroIsNoLimit) {
  PasswordFailures failures;
  failures.configure(0, kWindow);
  for (int i = 0; i < 100; ++i) failures.add("alice", kStart);
  EXPECT_FALSE(failures.locked("alice", kStart));
  EXPECT_EQ(failures.size(), 0U);
}

/// So many other names that all are remembered that can be, each `times` times.
void flood(PasswordFailures& failures, int times) {
  for (std::size_t i = 0; i < PasswordFailures::kMaxUsers + 10; ++i)
    for (int time = 0; time < times; ++time) failures.add("user" + std::to_string(i), kStart);
}

TEST(PasswordFailuresTest, NobodyIsUnlockedByOtherNames) {
  PasswordFailures failures;
  failures.configure(2, kWindow);
  failures.add("alice", kStart);
  failures.add("alice", kStart);
  flood(failures, 1);
  EXPECT_EQ(failures.size(), PasswordFailures::kMaxUsers);
  EXPECT_TRUE(failures.locked("alice", kStart));
  EXPECT_FALSE(failures.locked("bob", kStart));
}

TEST(PasswordFailuresTest, NobodyGetsMoreTriesByOtherNames) {
  PasswordFailures failures;
  failures.configure(3, kWindow);
  failures.add("alice", kStart);
  failures.add("alice", kStart);
  flood(failures, 1);
  failures.add("alice", kStart);
  EXPECT_TRUE(failures.locked("alice", kStart));
}

TEST(PasswordFailuresTest, WhenAllAreLockedNobodyElseGetsATryEither) {
  PasswordFailures failures;
  failures.configure(2, kWindow);
  failures.add("alice", kStart);
  failures.add("alice", kStart);
  flood(failures, 2);
  EXPECT_EQ(failures.size(), PasswordFailures::kMaxUsers);
  EXPECT_TRUE(failures.locked("alice", kStart));
  EXPECT_TRUE(failures.locked("bob", kStart));
  failures.add("bob", kStart);
  EXPECT_EQ(failures.size(), PasswordFailures::kMaxUsers);
  EXPECT_FALSE(failures.locked("alice", kStart + kWindow));
  EXPECT_FALSE(failures.locked("bob", kStart + kWindow));
  EXPECT_EQ(failures.size(), 0U);
}

}  // namespace
}  // namespace sallyport::auth
