#include "match/command_match.hpp"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "match/match.hpp"

namespace sallyport::config {
namespace {

using ::testing::HasSubstr;

bool leads(std::string_view pattern, std::string_view command) {
  return command_matches_glob(pattern, command, RuleEffect::leads);
}
bool denies(std::string_view pattern, std::string_view command) {
  return command_matches_glob(pattern, command, RuleEffect::denies);
}

/// Every byte, in the place of every kind of wildcard.
TEST(CommandGlob, NoWildcardStandsForWhatAShellActsOn) {
  const std::string_view active(";&|<>()$`^!");
  const std::string_view reaching("'\"\\#{}");
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const std::string command = std::string("echo ") + c;
    const bool control = i < 0x20 || i == 0x7f;
    const bool at_end = !control && active.find(c) == std::string_view::npos;
    const bool inside = at_end && reaching.find(c) == std::string_view::npos;
    for (const char* pattern : {"echo *", "echo ?", "echo **", "*o*"}) {
      EXPECT_EQ(leads(pattern, command), at_end) << pattern << " " << i;
      EXPECT_TRUE(denies(pattern, command)) << pattern << " " << i;
    }
    for (const char* pattern : {"echo * -n", "echo ? -n", "e*n", "echo *?n", "*-n"}) {
      EXPECT_EQ(leads(pattern, command + " -n"), inside) << pattern << " " << i;
      EXPECT_TRUE(denies(pattern, command + " -n")) << pattern << " " << i;
    }
    EXPECT_TRUE(leads(command, command) || c == '*' || c == '?') << "spelt out " << i;
  }
}

TEST(CommandGlob, ARuleForEchoLetsEchoThroughAndNothingElse) {
  for (const char* command :
       {"echo x", "echo ", "echo a b", "echo -n ~/x", "echo *.txt [ab]?", "echo 'a b'", "echo gr\xc3\xbc\xc3\x9f"})
    EXPECT_TRUE(leads("echo *", command)) << command;
  for (const char* command :
       {"echo x; id", "echo x && id", "echo x|id", "echo x &", "echo $(id)", "echo `id`", "echo x\nid", "echo x\rid", "echo x >f",
        "echo <f", "echo ${IFS}", "echo x;", "id", "echo", "echo x ^ id", "echo !!"}) {
    EXPECT_FALSE(leads("echo *", command)) << command;
    EXPECT_FALSE(leads("echo * *", command)) << command;
  }
  EXPECT_FALSE(leads("backup * --safe", "backup x # --safe"));
  EXPECT_FALSE(leads("backup * --safe *", "backup ' --safe '"));
  EXPECT_FALSE(leads("backup * --safe", "backup \\ --safe"));
  EXPECT_TRUE(leads("git-upload-pack '*.git'", "git-upload-pack 'a/b.git'"));
  EXPECT_FALSE(leads("git-upload-pack '*.git'", "git-upload-pack 'a'; id '.git'"));
  EXPECT_TRUE(leads("echo x; *", "echo x; id")) << "what the pattern itself says";
}

TEST(CommandGlob, StarsAloneAreEveryCommand) {
  EXPECT_TRUE(leads("*", "a; b\n"));
  EXPECT_TRUE(leads("**", ""));
  EXPECT_FALSE(is_narrowed_glob("*"));
  EXPECT_FALSE(is_narrowed_glob("uptime"));
  EXPECT_TRUE(is_narrowed_glob("?"));
  EXPECT_TRUE(is_narrowed_glob("echo *"));
}

/// What the matcher that never goes back says is what trying everything says.
bool tried(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (std::size_t taken = 0;; ++taken) {
      if (tried(pattern.substr(1), text.substr(taken))) return true;
      if (taken == text.size()) return false;
      const bool at_end = pattern.find_first_not_of('*') == std::string_view::npos;
      if (text[taken] == ';' || (text[taken] == '#' && !at_end)) return false;
    }
  }
  if (text.empty()) return false;
  const bool one = pattern[0] == '?' ? text[0] != ';' && (text[0] != '#' || pattern.size() == 1) : pattern[0] == text[0];
  return one && tried(pattern.substr(1), text.substr(1));
}

TEST(CommandGlob, NeverGoingBackMissesNothing) {
  std::mt19937 random(1);
  const auto text = [&random](std::string_view of, std::size_t most) {
    std::string out(std::uniform_int_distribution<std::size_t>(0, most)(random), 'x');
    for (char& c : out) c = of[std::uniform_int_distribution<std::size_t>(0, of.size() - 1)(random)];
    return out;
  };
  int matches = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::string pattern = text("ab;#**?", 6);
    const std::string command = text("aab;#", 8);
    if (!is_narrowed_glob(pattern)) continue;
    ASSERT_EQ(leads(pattern, command), tried(pattern, command)) << pattern << " " << command;
    matches += leads(pattern, command) ? 1 : 0;
  }
  EXPECT_GT(matches, 1000);
}

bool matches(std::string_view expression, std::string_view command, RuleEffect effect = RuleEffect::leads) {
  const auto regex = CommandRegex::compile(expression, effect);
  EXPECT_TRUE(regex) << expression << ": " << (regex ? "" : regex.error().detail);
  return regex && regex->matches(command);
}

TEST(CommandRegex, MatchesTheWholeCommand) {
  EXPECT_TRUE(matches("echo [a-z]+", "echo abc"));
  EXPECT_FALSE(matches("echo [a-z]+", "echo abc; id"));
  EXPECT_FALSE(matches("echo [a-z]+", "xecho abc"));
  for (const char* expression : {"^a|bc$", "a|bc", "^a|bc", "a|bc$", "^(a|bc)$"}) {
    EXPECT_TRUE(matches(expression, "a"));
    EXPECT_TRUE(matches(expression, "bc"));
    EXPECT_FALSE(matches(expression, "ac"));
    EXPECT_FALSE(matches(expression, "a\n"));
    EXPECT_FALSE(matches(expression, ""));
  }
  EXPECT_TRUE(matches("git-(upload|receive)-pack '/srv/[[:alnum:]_-]+\\.git'", "git-upload-pack '/srv/a_b-1.git'"));
  EXPECT_FALSE(matches("git-(upload|receive)-pack '/srv/[[:alnum:]_-]+\\.git'", "git-upload-pack '/srv/a_b-1xgit'"));
  EXPECT_TRUE(matches("a{2}b{1,2}c{0,1}d{2,}", "aabbddd"));
  EXPECT_FALSE(matches("a{2}b{1,2}c{0,1}d{2,}", "aabbbddd"));
  EXPECT_FALSE(matches("a{2}b{1,2}c{0,1}d{2,}", "aabbd"));
  EXPECT_TRUE(matches("[]a]+[^]a][a-]", "]ab-"));
  EXPECT_TRUE(matches("[\\\\]\\*", "\\*"));
  EXPECT_TRUE(matches("\xc3\xbc", "\xc3\xbc"));
  EXPECT_TRUE(matches("a}", "a}"));
}

TEST(CommandRegex, WhereThereIsDoubtARuleThatDeniesMatches) {
  for (const std::string& command : {std::string("rm x\ny"), std::string("rm x\ry"), std::string("rm \x7f")}) {
    for (const char* expression : {"rm .*", "rm [^;]*"}) {
      EXPECT_FALSE(matches(expression, command, RuleEffect::leads));
      EXPECT_TRUE(matches(expression, command, RuleEffect::denies));
    }
  }
  for (const std::string& command : {std::string("ls\0 x", 5), std::string(CommandRegex::kMaxCommand + 1, 'a')}) {
    EXPECT_FALSE(matches(".*", command, RuleEffect::leads));
    EXPECT_FALSE(matches("a*", command, RuleEffect::leads));
    EXPECT_TRUE(matches("zzz", command, RuleEffect::denies));
  }
}

TEST(CommandRegex, WhatIsNoneIsSaid) {
  for (const std::string& expression :
       {std::string("(a"), std::string("a)"), std::string("[a"), std::string("[z-a]"), std::string("[[:foo:]]"),
        std::string("*a"), std::string("a{3,2}"), std::string("a{99999}"), std::string("(a)\\1"), std::string("a\\"),
        std::string("(?=a)b"), std::string("((((a{99}){99}){99}){99}){99}"), std::string(1025, 'a')}) {
    const auto regex = CommandRegex::compile(expression, RuleEffect::leads);
    ASSERT_FALSE(regex) << expression;
    EXPECT_EQ(regex.error().code, Errc::config);
    EXPECT_FALSE(regex.error().detail.empty()) << expression;
  }
}

/// With backtracking, none of these ends.
TEST(CommandRegex, IsNotStalledByPathologicalOnes) {
  std::string many;
  std::mt19937 random(1);
  for (int i = 0; i < 4096; ++i) many += random() % 2 == 0 ? 'a' : 'b';
  for (const char* expression : {"(a*)*b*c", "(a|b|ab|ba)*c", "(a|b)*a(a|b){250}c", "((a*)*)*c", "(a?){200}a{200}c",
                                 "(.*)(.*)(.*)(.*)(.*)c", "([ab]{1,50}){1,5}c", "(((a+)+)+)+c"})
    EXPECT_FALSE(matches(expression, many)) << expression;
  EXPECT_TRUE(matches("(a|b)*a(a|b){250}", many + "a" + std::string(250, 'b')));
}

}  // namespace
}  // namespace sallyport::config
