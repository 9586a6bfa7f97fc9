#include "ssh/keys/known_hosts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/digest.hpp"

namespace sallyport::ssh {
namespace {

// A key as it stands on the wire: its type and something behind it.
Bytes blob_of(const std::string& type, std::uint8_t content) {
  Bytes blob{0, 0, 0, static_cast<std::uint8_t>(type.size())};
  blob.insert(blob.end(), type.begin(), type.end());
  blob.push_back(content);
  return blob;
}
std::string key_text(const std::string& type, std::uint8_t content) { return type + " " + base64_encode(blob_of(type, content)); }
const Bytes kKey = blob_of("ssh-ed25519", 1);
const std::string kLine = key_text("ssh-ed25519", 1);
const std::string kOther = key_text("ssh-ed25519", 2);

std::string hashed(const std::string& name) {
  const Bytes salt(20, 7);
  return "|1|" + base64_encode(salt) + "|" + base64_encode(hmac_sha1(salt, bytes_of(name)));
}

struct Row {
  const char* name;
  std::string host;
  std::uint16_t port;
  std::string text;
  HostKeyVerdict verdict;
};
using V = HostKeyVerdict;

class KnownHostsTest : public ::testing::TestWithParam<Row> {};

TEST(KnownHosts, AKeyOfAnotherTypeIsNoChange) {
  KnownHosts hosts{"web1", 22};
  hosts.read("web1 " + key_text("ssh-rsa", 1) + "\n");
  EXPECT_EQ(hosts.judge(kKey), HostKeyVerdict::other_type);
  hosts.read("@revoked web1 " + kOther + "\n");
  EXPECT_EQ(hosts.judge(kKey), HostKeyVerdict::other_type);
  hosts.read("web1 " + kOther + "\n");
  EXPECT_EQ(hosts.judge(kKey), HostKeyVerdict::changed);
  EXPECT_EQ(hosts.expected().substr(0, 15), "ssh-rsa SHA256:");
}

TEST(KnownHosts, OnlyLinesAboutThisHostAloneAreGivenUp) {
  KnownHosts hosts{"web1", 22};
  hosts.read("web1 " + kLine + "\n" + "web1 " + kOther + "\n" + "web1,web2 " + kOther + "\n" + hashed("web1") + " " + kOther +
             "\n" + "web* " + kOther + "\n@revoked web1 " + kOther + "\nweb3 " + kOther + "\n");
  EXPECT_EQ(hosts.lines_without({kKey}), (std::vector<std::size_t>{2, 4}));
  EXPECT_TRUE(hosts.listed_by_name());
  KnownHosts by_pattern{"web1", 22};
  by_pattern.read("web* " + kLine + "\n");
  EXPECT_FALSE(by_pattern.listed_by_name());
}

TEST_P(KnownHostsTest, Judges) {
  KnownHosts hosts{GetParam().host, GetParam().port};
  hosts.read(GetParam().text);
  EXPECT_EQ(hosts.judge(kKey), GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, KnownHostsTest,
    ::testing::Values(Row{"empty", "web1", 22, "", V::unknown}, Row{"plain", "web1", 22, "web1 " + kLine, V::known},
                      Row{"with_a_comment_at_the_end", "web1", 22, "web1 " + kLine + " root@web1\r\n", V::known},
                      Row{"case_does_not_matter", "WEB1", 22, "Web1 " + kLine, V::known},
                      Row{"list", "10.0.0.1", 22, "web1,10.0.0.1 " + kLine, V::known},
                      Row{"other_host", "web2", 22, "web1 " + kLine, V::unknown},
                      Row{"changed", "web1", 22, "web1 " + kOther, V::changed},
                      Row{"one_of_two", "web1", 22, "web1 " + kOther + "\nweb1 " + kLine, V::known},
                      Row{"the_bare_name_when_the_port_is_not_listed", "web1", 2222, "web1 " + kLine, V::known},
                      Row{"the_bare_name_hashed", "web1", 2222, hashed("web1") + " " + kLine, V::known},
                      Row{"another_key_of_the_bare_name", "web1", 2222, "web1 " + kOther, V::unknown},
                      Row{"the_port_s_key_wins", "web1", 2222, "[web1]:2222 " + kOther + "\nweb1 " + kLine, V::changed},
                      Row{"a_key_of_another_type_with_the_port", "web1", 2222,
                          "[web1]:2222 " + key_text("ssh-rsa", 1) + "\nweb1 " + kLine, V::known},
                      Row{"revoked_for_the_bare_name", "web1", 2222, "web1 " + kLine + "\n@revoked web1 " + kLine, V::revoked},
                      Row{"another_port", "web1", 2222, "[web1]:2223 " + kLine, V::unknown},
                      Row{"port", "web1", 2222, "[web1]:2222 " + kLine, V::known},
                      Row{"port_22_has_no_brackets", "web1", 22, "[web1]:2222 " + kLine, V::unknown},
                      Row{"star", "web1.example", 22, "*.example " + kLine, V::known},
                      Row{"question_mark", "web1", 22, "web? " + kLine, V::known},
                      Row{"negated", "web1", 22, "web*,!web1 " + kLine, V::unknown},
                      Row{"negated_alone_matches_nobody", "web2", 22, "!web1 " + kLine, V::unknown},
                      Row{"many_stars_end", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 22, "*a*a*a*a*a*a*a*a*a*a*a*b " + kLine,
                          V::unknown},
                      Row{"hashed", "web1", 22, hashed("web1") + " " + kLine, V::known},
                      Row{"hashed_with_port", "web1", 2222, hashed("[web1]:2222") + " " + kLine, V::known},
                      Row{"hashed_other", "web1", 22, hashed("web2") + " " + kLine, V::unknown},
                      Row{"hashed_broken", "web1", 22, "|1|x| " + kLine + "\n|1|\n|2|a|b " + kLine, V::unknown},
                      Row{"comment", "web1", 22, "# web1 " + kLine, V::unknown},
                      Row{"revoked", "web1", 22, "@revoked web1 " + kLine, V::revoked},
                      Row{"revoked_wins", "web1", 22, "web1 " + kLine + "\n@revoked * " + kLine, V::revoked},
                      Row{"another_revoked", "web1", 22, "web1 " + kLine + "\n@revoked * " + kOther, V::known},
                      Row{"only_another_revoked", "web1", 22, "@revoked * " + kOther, V::unknown},
                      Row{"authority_lets_nobody_in", "web1", 22, "@cert-authority * " + kLine, V::unknown},
                      Row{"unknown_marker", "web1", 22, "@trusted web1 " + kLine, V::unknown},
                      Row{"type_that_is_not_the_keys", "web1", 22, "web1 ssh-rsa " + base64_encode(kKey), V::unknown},
                      Row{"broken_base64", "web1", 22, "web1 ssh-ed25519 AAA", V::unknown},
                      Row{"no_key", "web1", 22, "web1\nweb1 ssh-ed25519\n@revoked\n", V::unknown}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(KnownHostsTypesTest, ListsEachTypeOnceWithoutRevokedOnes) {
  KnownHosts hosts{"web1", 22};
  hosts.read("web1 " + kLine + "\nweb1 " + kOther + "\nweb1 " + key_text("ssh-rsa", 1) + "\n@revoked web1 " +
             key_text("ecdsa-sha2-nistp256", 1));
  EXPECT_EQ(hosts.key_types(), (std::vector<std::string>{"ssh-ed25519", "ssh-rsa"}));
}

TEST(KnownHostsTypesTest, ListsThoseOfTheBareNameWhenThePortHasNone) {
  KnownHosts hosts{"web1", 2222};
  hosts.read("web1 " + key_text("ssh-rsa", 1) + "\n");
  EXPECT_EQ(hosts.key_types(), (std::vector<std::string>{"ssh-rsa"}));
  EXPECT_FALSE(hosts.listed_by_name()) << "such a line is another port's, and isn't kept up to date";
  hosts.read("[web1]:2222 " + kLine + "\n");
  EXPECT_EQ(hosts.key_types(), (std::vector<std::string>{"ssh-ed25519"}));
}

TEST(KnownHostsTypesTest, WarnsOfLinesAboutThisHostThatCannotBeUsed) {
  KnownHosts hosts{"web1", 22};
  hosts.read("@cert-authority web1 " + kLine + "\n@cert-authority other " + kLine + "\nweb1 junk\n");
  EXPECT_EQ(hosts.warnings().size(), 2U);
}

TEST(Base64Test, RoundTripsAndRefusesWhatIsNone) {
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + size);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
  for (const char* text : {"A", "AB", "ABC", "A===", "====", "AB=C", "AB==AAAA", "AB!D", " ABC"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace sallyport::ssh
