// One-time codes: RFC 6238's own vectors, the file, and that no code is good twice.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "auth/factors/factor_files.hpp"
#include "auth/factors/one_time_codes.hpp"
#include "auth/factors/totp.hpp"
#include "temporary_folder.hpp"

namespace sallyport::auth {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;
using test::TemporaryFolder;

system_clock::time_point at(std::int64_t time) { return system_clock::time_point(seconds(time)); }

// "12345678901234567890" and its longer forms for the other digests (RFC 6238, appendix B).
constexpr const char* kSha1 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
constexpr const char* kSha256 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
constexpr const char* kSha512 =
    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";

struct Vector {
  std::int64_t time;
  const char* sha1;
  const char* sha256;
  const char* sha512;
};

class TotpVectorTest : public ::testing::TestWithParam<Vector> {};

TEST_P(TotpVectorTest, IsAsInTheRfc) {
  const Vector& row = GetParam();
  const struct {
    const char* key;
    const char* algorithm;
    const char* code;
  } rows[] = {{kSha1, "sha1", row.sha1}, {kSha256, "sha256", row.sha256}, {kSha512, "sha512", row.sha512}};
  for (const auto& kind : rows) {
    const auto secret = parse_totp_secret(std::string(kind.key) + " digits=8 algorithm=" + kind.algorithm);
    ASSERT_TRUE(secret);
    const auto step = match_totp(*secret, kind.code, at(row.time), std::nullopt);
    ASSERT_TRUE(step) << kind.algorithm;
    EXPECT_EQ(step->time_since_epoch().count(), row.time / 30 * 30);
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc6238, TotpVectorTest,
                         ::testing::Values(Vector{59, "94287082", "46119246", "90693936"},
                                           Vector{1111111109, "07081804", "68084774", "25091201"},
                                           Vector{1111111111, "14050471", "67062674", "99943326"},
                                           Vector{1234567890, "89005924", "91819424", "93441116"},
                                           Vector{2000000000, "69279037", "90698825", "38618901"}));
// The RFC's last one is in the year 2603, which system_clock doesn't reach.

TEST(TotpTest, TakesTheStepBeforeAndTheOneAfter) {
  const auto secret = parse_totp_secret(std::string(kSha1) + " digits=8");
  ASSERT_TRUE(secret);
  for (const std::int64_t time : {1, 29, 30, 59, 60, 89})
    EXPECT_TRUE(match_totp(*secret, "94287082", at(time), std::nullopt)) << time;
  for (const std::int64_t time : {90, 119, 1000}) EXPECT_FALSE(match_totp(*secret, "94287082", at(time), std::nullopt)) << time;
}

TEST(TotpTest, SpacesDontCountAndOtherThingsDo) {
  const auto secret = parse_totp_secret(std::string(kSha1));
  ASSERT_TRUE(secret);
  EXPECT_TRUE(match_totp(*secret, "287082", at(59), std::nullopt));
  EXPECT_TRUE(match_totp(*secret, " 287 082 ", at(59), std::nullopt));
  for (const char* code : {"", "28708", "2870822", "94287082", "28708x", "-87082", "287082\n", "287 0820"})
    EXPECT_FALSE(match_totp(*secret, code, at(59), std::nullopt)) << code;
}

TEST(TotpTest, ReadsTheLineOfTheUser) {
  const std::string text = "# names and secrets\n\n  bob  " + std::string(kSha256) +
                           " algorithm=sha256\tperiod=60 digits=7\r\nalice " + kSha1 + "\nbroken not-base32!\n";
  const auto alice = find_totp_secret(text, "alice");
  ASSERT_TRUE(alice && *alice);
  EXPECT_EQ((*alice)->key.view(), "12345678901234567890");
  EXPECT_EQ((*alice)->digits, 6U);
  EXPECT_EQ((*alice)->period, seconds(30));
  const auto bob = find_totp_secret(text, "bob");
  ASSERT_TRUE(bob && *bob);
  EXPECT_EQ((*bob)->digits, 7U);
  EXPECT_EQ((*bob)->period, seconds(60));
  EXPECT_EQ((*bob)->algorithm, TotpAlgorithm::sha256);
  const auto nobody = find_totp_secret(text, "carol");
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
  EXPECT_EQ(find_totp_secret(text, "broken").error().code, Errc::config);
  EXPECT_FALSE(*find_totp_secret(text, "#"));
}

TEST(TotpTest, AWrongLineIsNamedWithoutTheSecret) {
  for (const std::string& rest :
       {std::string(), std::string("GEZA"), std::string(kSha1) + " digits=5", std::string(kSha1) + " digits=9",
        std::string(kSha1) + " period=0", std::string(kSha1) + " algorithm=md5", std::string(kSha1) + " 6",
        std::string(kSha1) + " window=9"}) {
    const auto secret = parse_totp_secret(rest);
    ASSERT_FALSE(secret) << rest;
    EXPECT_EQ(secret.error().detail.find("GEZ"), std::string::npos);
  }
}

TEST(TotpTest, TellsBeforehandWhichLinesAreWrong) {
  const auto wrong =
      check_totp_lines(std::string("# names\n\nalice ") + kSha1 + "\n bob\ncarol GEZA digits=7\ndave " + kSha1 + " digits=9\n");
  ASSERT_EQ(wrong.size(), 3U);
  EXPECT_EQ(wrong[0], "line 4: there is no secret");
  EXPECT_TRUE(wrong[1].starts_with("line 5: "));
  EXPECT_TRUE(wrong[2].starts_with("line 6: "));
}

TEST(TotpTest, TellsBeforehandWhichFilesAreWrong) {
  const TemporaryFolder folder;
  AuthSettings settings;
  EXPECT_TRUE(check_factor_files(settings).empty());
  settings.password_file = folder.write("passwords", "", 0600);
  settings.totp_file = folder.write("totp", "", 0600);
  EXPECT_TRUE(check_factor_files(settings).empty());
  folder.write("passwords", "", 0644);
  folder.write("totp", "alice\n", 0600);
  folder.write("totp.used", "", 0644);
  EXPECT_EQ(check_factor_files(settings).size(), 3U);
  settings.password_file = folder.file("none");
  EXPECT_EQ(check_factor_files(settings).size(), 3U);
}

class OneTimeCodesTest : public ::testing::Test {
 protected:
  Result<FactorCheck> check(const char* user, const char* code, std::int64_t time) {
    return codes_.check(file_, user, SecretString(code), at(time));
  }
  TemporaryFolder folder_;
  std::string file_ = folder_.write("totp", std::string("alice ") + kSha1 + "\nbob " + kSha1 + "\nbroken x\n");
  OneTimeCodes codes_;
};

TEST_F(OneTimeCodesTest, ACodeIsGoodOnce) {
  EXPECT_TRUE(check("alice", "287082", 59)->accepted);
  const auto again = check("alice", "287082", 60);
  EXPECT_FALSE(again->accepted);
  EXPECT_EQ(again->reason, "the one-time code has been used before");
  EXPECT_TRUE(check("bob", "287082", 60)->accepted);  // whose code it is as well
}

TEST_F(OneTimeCodesTest, NorAfterARestart) {
  EXPECT_TRUE(check("alice", "287082", 59)->accepted);
  OneTimeCodes others;
  EXPECT_FALSE(others.check(file_, "alice", SecretString("287082"), at(60))->accepted);
}

TEST_F(OneTimeCodesTest, NorWhenTheRecordIsTakenAway) {
  EXPECT_TRUE(check("alice", "287082", 59)->accepted);
  ASSERT_EQ(::unlink(OneTimeCodes::record_of(file_).c_str()), 0);
  EXPECT_FALSE(check("alice", "287082", 60)->accepted);
}

TEST_F(OneTimeCodesTest, AnEarlierCodeIsNotGoodAfterALaterOne) {
  EXPECT_TRUE(check("alice", "287082", 31)->accepted);   // of 30 to 59
  EXPECT_FALSE(check("alice", "755224", 31)->accepted);  // of 0 to 29
  EXPECT_EQ(check("alice", "755224", 31)->reason, "the one-time code has been used before");
  EXPECT_TRUE(check("alice", "359152", 31)->accepted);  // of 60 to 89
}

TEST_F(OneTimeCodesTest, AWrongCodeUsesNothingUp) {
  EXPECT_EQ(check("alice", "000000", 59)->reason, "wrong one-time code");
  EXPECT_EQ(check("carol", "287082", 59)->reason, "the user has no secret for one-time codes");
  EXPECT_TRUE(check("alice", "287082", 59)->accepted);
}

TEST_F(OneTimeCodesTest, NobodyGetsInWhenUseCannotBeRecorded) {
  EXPECT_EQ(check("broken", "287082", 59).error().code, Errc::unavailable);
  folder_.write("totp.used", "alice then\n");
  EXPECT_EQ(check("alice", "287082", 59).error().code, Errc::unavailable);
  folder_.write("totp.used", "alice 30\n", 0644);
  EXPECT_EQ(check("alice", "287082", 59).error().code, Errc::unavailable);
  ASSERT_EQ(::unlink(folder_.file("totp.used").c_str()), 0);
  ASSERT_EQ(::mkdir(folder_.file("totp.used").c_str(), 0700), 0);
  EXPECT_EQ(check("alice", "287082", 59).error().code, Errc::unavailable);
  folder_.write("totp", std::string("alice ") + kSha1, 0640);
  EXPECT_EQ(check("alice", "287082", 59).error().code, Errc::unavailable);
}

TEST_F(OneTimeCodesTest, ForgetsWhatIsLongOver) {
  EXPECT_TRUE(check("alice", "287082", 59)->accepted);
  EXPECT_TRUE(check("bob", "081804", 1111111109)->accepted);
  EXPECT_EQ(TemporaryFolder::read(OneTimeCodes::record_of(file_)), "bob 1111111080\n");
}

}  // namespace
}  // namespace sallyport::auth
