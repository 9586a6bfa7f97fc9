#include "auth/authorized_keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/key_line.hpp"

namespace sallyport::auth {
namespace {

using ::testing::HasSubstr;

// Made up: the right length and type, nobody's key.
constexpr const char* kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
constexpr const char* kOtherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP/+/fz7+vn49/b19PPy8fDv7u3s6+rp6Ofm5eTj4uHg";

KeyQuery query() {
  KeyQuery query;
  query.user = "alice";
  query.blob = *decode_base64(std::string_view(kKey).substr(12));
  query.source = "10.1.2.3";
  query.now = *parse_expiry_time("20250601120000Z");
  return query;
}

KeySearch search(const std::string& text) { return search_keys(text, "f", query()); }

TEST(SearchKeys, FindsTheKeyAndItsPlace) {
  const KeySearch found = search(std::string("# comment\n\n") + kOtherKey + " other\n  " + kKey + " alice's laptop\r\n");
  ASSERT_TRUE(found.accepted);
  EXPECT_EQ(found.accepted->file, "f");
  EXPECT_EQ(found.accepted->line, 4U);
  EXPECT_EQ(found.accepted->comment, "alice's laptop");
  EXPECT_TRUE(found.accepted->pty);
  EXPECT_TRUE(found.warnings.empty());
}

TEST(SearchKeys, DoesNotFindAnotherKey) { EXPECT_FALSE(search(std::string(kOtherKey) + "\n").accepted); }

struct Row {
  const char* name;
  const char* options;
  bool accepted;
  const char* warning;  ///< part of it; empty: none
};

class OptionTest : public ::testing::TestWithParam<Row> {};

TEST_P(OptionTest, LetsInOrKeepsOut) {
  const KeySearch found = search(std::string(GetParam().options) + " " + kKey + " c\n");
  EXPECT_EQ(found.accepted.has_value(), GetParam().accepted);
  if (*GetParam().warning == '\0') {
    EXPECT_TRUE(found.warnings.empty()) << found.warnings[0].reason;
  } else {
    ASSERT_EQ(found.warnings.size(), 1U);
    EXPECT_THAT(found.warnings[0].reason, HasSubstr(GetParam().warning));
    EXPECT_EQ(found.warnings[0].line, 1U);
  }
}

const Row kRows[] = {
    {"FromNetwork", "from=\"192.0.2.0/24,10.0.0.0/8\"", true, ""},
    {"FromGlob", "from=\"10.1.*\"", true, ""},
    {"FromOther", "from=\"192.0.2.0/24\"", false, "does not include"},
    {"FromNegated", "from=\"10.0.0.0/8,!10.1.2.3\"", false, "excludes"},
    {"FromNegatedOther", "from=\"!10.9.*,10.*\"", true, ""},
    {"FromOnlyNegated", "from=\"!10.9.9.9\"", false, "does not include"},
    {"FromName", "from=\"*.example.org\"", false, "does not include"},
    {"FromNegatedName", "from=\"!*.example.org,*\"", false, "excludes a host by name"},
    {"FromBadNetwork", "from=\"10.1.2.3/8\"", false, "can't be read"},
    {"FromWithoutValue", "from", false, "not supported"},
    {"NotExpired", "expiry-time=\"20250601120001Z\"", true, ""},
    {"Expired", "expiry-time=\"20250601120000Z\"", false, "expired"},
    {"ExpiredDay", "expiry-time=\"20250101\"", false, "expired"},
    {"NoDate", "expiry-time=\"20250231Z\"", false, "can't be read"},
    {"CertAuthority", "cert-authority", false, "\"cert-authority\" is unknown or not supported yet"},
    {"Principals", "principals=\"a\"", false, "\"principals\" is unknown or not supported yet"},
    {"PermitOpen", "permitopen=\"h:1\"", false, "\"permitopen\" is unknown or not supported yet"},
    {"Environment", "environment=\"A=b\"", false, "\"environment\" is unknown or not supported yet"},
    {"Unknown", "no-such-thing", false, "\"no-such-thing\" is unknown"},
    {"OpenQuote", "command=\"x", false, "not closed"},
    {"NoQuotes", "command=x", false, "no value in quotation marks"},
    {"TrailingComma", "no-pty,", false, "not separated by commas"},
    {"CommandTwice", "command=\"a\",command=\"b\"", false, "twice"},
    {"UnknownBeforeDenied", "from=\"192.0.2.1\",tunnel=\"1\"", false, "not supported yet"},
};

INSTANTIATE_TEST_SUITE_P(Rows, OptionTest, ::testing::ValuesIn(kRows), [](const auto& row) { return std::string(row.param.name); });

LoginGrant options_of(const std::string& options) {
  const KeySearch found = search(options + " " + kKey + "\n");
  EXPECT_TRUE(found.accepted) << options;
  return found.accepted.value_or(LoginGrant{});
}

TEST(ReadKeyOptions, RestrictForbidsAllAndLaterOnesAllowAgain) {
  const LoginGrant options = options_of("restrict,PTY");
  EXPECT_TRUE(options.pty);
  EXPECT_FALSE(options.agent_forwarding || options.port_forwarding || options.x11_forwarding || options.user_rc);
  EXPECT_FALSE(options_of("no-pty").pty);
  EXPECT_FALSE(options_of("no-touch-required").touch_required);
  EXPECT_TRUE(options_of("verify-required").verify_required);
}

TEST(ReadKeyOptions, CommandsKeepBlanksAndEscapedQuotes) {
  EXPECT_EQ(options_of(R"(no-pty,command="echo \"a, b\" # c",no-user-rc)").command, R"(echo "a, b" # c)");
}

TEST(SearchKeys, TheNextLineWithTheSameKeyMayLetIn) {
  const KeySearch found = search(std::string("from=\"192.0.2.1\" ") + kKey + "\nno-pty " + kKey + "\n");
  ASSERT_TRUE(found.accepted);
  EXPECT_EQ(found.accepted->line, 2U);
}

TEST(SearchKeys, BrokenLinesAreSkippedWithAWarning) {
  for (const std::string& line : {std::string("garbage"), std::string("ssh-ed25519 ????"), std::string("ssh-rsa ") + (kKey + 12), std::string("ssh-dss AAAA"),
                                  std::string("ssh-ed25519"), std::string(kMaxKeyLine + 1, 'x')}) {
    const KeySearch found = search(line + "\n" + kKey + "\n");
    EXPECT_TRUE(found.accepted) << line;
    EXPECT_EQ(found.warnings.size(), 1U) << line;
  }
}

TEST(Base64, IsStrict) {
  EXPECT_EQ(text_of(*decode_base64("Zm9vYg==")), "foob");
  EXPECT_EQ(text_of(*decode_base64("Zm9vYmE=")), "fooba");
  for (const char* text : {"", "Zg", "Z===", "Zg=a", "Zm9v YmE=", "=Zm9"}) EXPECT_FALSE(decode_base64(text)) << text;
}

struct FindKeyTest : ::testing::Test {
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-auth-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }
  Result<KeySearch> find(const std::string& name = "{user}", std::size_t limit = 100000) {
    return find_key({folder + "/none", folder + "/" + name}, limit, query());
  }

  std::string folder;
};

TEST_F(FindKeyTest, ReadsTheUsersFile) {
  write("alice", std::string(kKey) + "\n");
  const auto found = find();
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->accepted);
  EXPECT_EQ(found->accepted->file, folder + "/alice");
}

TEST_F(FindKeyTest, AMissingFileHasNoKeys) {
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->accepted);
}

TEST_F(FindKeyTest, AFileThatOthersMayWriteIsNotTrusted) {
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}}) {
    write("alice", std::string(kKey) + "\n", mode);
    const auto found = find();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::unavailable);
    EXPECT_THAT(found.error().detail, HasSubstr("its group or others may write it"));
  }
}

TEST_F(FindKeyTest, AFolderThatOthersMayWriteIsNotTrusted) {
  write("alice", std::string(kKey) + "\n");
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  const auto found = find();
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().detail, HasSubstr("its folder is not safe"));
}

TEST_F(FindKeyTest, LargeFilesAndWhatIsNoFileAreUnavailable) {
  write("alice", std::string(1000, '#'));
  EXPECT_EQ(find("{user}", 999).error().code, Errc::unavailable);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(find("fifo").error().detail, HasSubstr("not a regular file"));
  std::filesystem::create_directory(folder + "/sub");
  EXPECT_EQ(find("sub").error().code, Errc::unavailable);
}

TEST_F(FindKeyTest, AGoodFileCountsBesideABadOne) {
  write("bad", std::string(kKey) + "\n", 0666);
  write("alice", std::string(kKey) + "\n");
  const auto found = find_key({folder + "/bad", folder + "/{user}"}, 100000, query());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->accepted);
  EXPECT_EQ(found->warnings.size(), 1U);
}

TEST_F(FindKeyTest, UnsafeUsersNeverReachAPath) {
  KeyQuery evil = query();
  evil.user = "../alice";
  EXPECT_EQ(find_key({folder + "/{user}"}, 1000, evil).error().code, Errc::denied);
}

}  // namespace
}  // namespace sallyport::auth
