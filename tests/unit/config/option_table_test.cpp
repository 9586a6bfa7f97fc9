// The tables of keys, and the sample and the manual beside them.
#include "config/option_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "unit/changed.hpp"
#include "unit/config/memory_files.hpp"

namespace sallyport::config {
namespace {

using ::testing::UnorderedElementsAreArray;

std::string text_of(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

/// What stands between the line `heading` and the next line that begins like one.
std::string section(const std::string& text, const std::string& heading, const std::string& next) {
  const std::size_t begin = text.find("\n" + heading + "\n");
  EXPECT_NE(begin, std::string::npos) << heading;
  if (begin == std::string::npos) return {};
  const std::size_t after = begin + heading.size() + 2;
  const std::size_t end = text.find("\n" + next, after);
  return text.substr(after, end == std::string::npos ? end : end + 1 - after);
}

/// The first group of each match.
std::vector<std::string> all_matches(const std::string& text, const std::string& expression) {
  std::vector<std::string> found;
  const std::regex regex(expression, std::regex::ECMAScript | std::regex::multiline);
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

/// The keys that the manual explains there; one `.It` may have several.
std::vector<std::string> manual_keys(const std::string& name) {
  const std::string items = section(text_of(SALLYPORT_MANUAL), ".Ss [" + name + "]", ".Ss ");
  std::vector<std::string> keys;
  for (const std::string& item : all_matches(items, "^\\.It Ic (.*)$"))
    for (const std::string& key : all_matches(item, "(\\w+)")) keys.push_back(key);
  return keys;
}

std::vector<std::string> sample_keys(const std::string& name) {
  return all_matches(section(text_of(SALLYPORT_SAMPLE), "[" + name + "]", "["), "^(?:# )?(\\w+) = ");
}

template <typename Table>
void expect_documented(const std::string& name, const Table& table) {
  std::vector<std::string> keys;
  for_each_row(table, [&keys](const auto& row) { keys.emplace_back(row.name); });
  EXPECT_THAT(sample_keys(name), UnorderedElementsAreArray(keys)) << name << " in the sample";
  EXPECT_THAT(manual_keys(name), UnorderedElementsAreArray(keys)) << name << " in the manual";
}

TEST(OptionTable, TheSampleAndTheManualHaveItsKeysAndNoOthers) {
  expect_documented("defaults", kOptions);
  expect_documented("log", kLogKeys);
  expect_documented("limits", kLimitKeys);
  expect_documented("penalties", kPenaltyKeys);
}

/// Built-in values with those of one row changed.
template <typename Row>
Options with_other(const Row& row) {
  Options options;
  change(options.*row.value);
  return options;
}

TEST(OptionTable, APlaceThatSetsAnOptionSetsNoOther) {
  const Options built_in;
  for_each_row(kOptions, [&built_in](const auto& row) {
    const Options wanted = with_other(row);
    ASSERT_NE(wanted, built_in) << row.name;
    OptionOverrides said;
    said.*row.said = wanted.*row.value;
    EXPECT_TRUE(says(said, row.name)) << row.name;
    Options options;
    apply(said, options);
    EXPECT_EQ(options, wanted) << row.name;
    EXPECT_EQ(option_name(row.value), row.name);
    EXPECT_TRUE(is_option(row.name));
  });
  EXPECT_FALSE(is_option("kind"));
}

Loaded load_text(const std::string& text) {
  MemoryFiles files;
  files.contents["/c/main.toml"] = text;
  return load("/c/main.toml", files);
}

TEST(OptionTable, WhatIsWrittenIsReadBack) {
  for_each_row(kOptions, [](const auto& row) {
    Config config;
    config.listens = {{"127.0.0.1", 0}};
    config.defaults = with_other(row);
    const Loaded loaded = load_text(to_toml(config));
    if (row.name == "record") {
      EXPECT_EQ(loaded.config, nullptr) << "of a version to come";
      return;
    }
    ASSERT_NE(loaded.config, nullptr) << row.name << ": " << loaded.problems.front().message;
    EXPECT_EQ(loaded.config->defaults, config.defaults) << row.name;
  });
}

TEST(OptionTable, AWrongValueHidesNoKeyBehindIt) {
  const Loaded loaded =
      load_text("[[listen]]\naddress='127.0.0.1:0'\n[defaults]\nforce_command=''\nmax_connections=1\nreuse_after_mfa='1h'\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].message, "defaults.force_command: found the string \"\", expected a command line");
}

}  // namespace
}  // namespace sallyport::config
