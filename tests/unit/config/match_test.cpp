#include "match/match.hpp"

#include <string>

#include <gtest/gtest.h>

#include "config/suggest.hpp"
#include "match/names.hpp"

namespace sallyport::config {
namespace {

TEST(Globs, MatchTheWholeText) {
  EXPECT_TRUE(glob_matches("web*", "web1"));
  EXPECT_TRUE(glob_matches("web*", "web"));
  EXPECT_TRUE(glob_matches("w?b1", "web1"));
  EXPECT_TRUE(glob_matches("*.internal", "db.internal"));
  EXPECT_TRUE(glob_matches("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("web?", "web"));
  EXPECT_FALSE(glob_matches("web", "web1"));
  EXPECT_FALSE(glob_matches("", "x"));
  EXPECT_FALSE(glob_matches("a*b", "aXc"));
  EXPECT_FALSE(glob_matches("[ab]", "a"));  // no classes
}

TEST(Globs, DoNotBacktrackWithoutEnd) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(5000, 'a')));
}

TEST(Networks, ContainAddressesOfTheirFamily) {
  const auto contains = [](const char* network, const char* address) {
    return parse_network(network)->contains(*parse_ip(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(contains("0.0.0.0/0", "192.0.2.1"));
  EXPECT_FALSE(contains("::/0", "192.0.2.1"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_TRUE(contains("fe80::/10", "fe80::1%eth0"));
}

TEST(Networks, AreRefusedWhenTheyAreNone) {
  for (const char* text :
       {"", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "10.0.0.0/8x", "::1/0", "fe80::1%eth0/128"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(Names, AreSafeOrNot) {
  for (const char* user : {"alice", "a.b", "a-b", "svc_1", "alice@corp", R"(CORP\alice)", R"(corp.example\a.b)", "j\u00fcrgen",
                           "\u738b\u82b3", "CORP\\j\u00fcrgen", "ju\u0308rgen"})
    EXPECT_TRUE(is_safe_user(user)) << user;
  for (const char* user : {"",
                           "-a",
                           ".a",
                           "a..b",
                           "../x",
                           "a/b",
                           "a b",
                           "a\nb",
                           "a$(id)",
                           "a{user}",
                           "\xc3",
                           "a\xff",
                           "\xc0\xae\xc0\xae",
                           R"(\alice)",
                           R"(CORP\)",
                           R"(A\B\c)",
                           R"(..\a)",
                           R"(a\..)",
                           R"(.\a)",
                           "a\u202eb",
                           "a\u200bb",
                           "a\u00a0b",
                           "a\u2215b",
                           "a\u0085",
                           "a\ue000",
                           "a\uff3cb",
                           R"(CORP\a/b)",
                           "a:b",
                           "a,b",
                           "a%5Cb"})
    EXPECT_FALSE(is_safe_user(user)) << user;
  EXPECT_FALSE(is_safe_user(std::string("a\0b", 3)));
  EXPECT_EQ(in_path(R"(CORP\alice)"), "CORP%5Calice");
  EXPECT_EQ(in_path("j\u00fcrgen+x"), "j\u00fcrgen+x");
  EXPECT_FALSE(is_safe_user(std::string(kMaxUserLength + 1, 'a')));
  EXPECT_TRUE(is_safe_target("db-1.internal"));
  EXPECT_FALSE(is_safe_target("a@b"));
}

TEST(Templates, KnowTheirPlaceholdersOnly) {
  EXPECT_EQ(expand("k/{user}_{target}", {{"user", "a"}, {"target", "t"}}), "k/a_t");
  EXPECT_EQ(expand("{user}", {{"user", "{user}"}}), "{user}");  // what was filled in is not looked at again
  for (const char* text : {"{usr}", "{user", "user}", "{}", "{{user}}"})
    EXPECT_EQ(expand(text, {{"user", "a"}}), std::nullopt) << text;
}

TEST(Suggestions, AreNearOrAbsent) {
  EXPECT_EQ(nearest("hosts_key", {"host_keys", "banner"}), "host_keys");
  EXPECT_EQ(nearest("lvel", {"file", "level"}), "level");
  EXPECT_EQ(nearest("zzz", {"file", "level"}), "");
}

}  // namespace
}  // namespace sallyport::config
