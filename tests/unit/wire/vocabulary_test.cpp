// Every word of the table in every spelling that isn't the table's.
#include "wire/vocabulary.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "wire/channel_opens.hpp"
#include "wire/channel_requests.hpp"
#include "wire/encoding.hpp"
#include "wire/forwards.hpp"
#include "wire/messages.hpp"

namespace sallyport::wire {
namespace {

using std::string_view_literals::operator""sv;

Speaker speaker_of(const Word& word) { return word.by_client ? Speaker::client : Speaker::target; }

/// Fields that the word takes; in place of the one at `odd`, if it is a string, `text`.
Bytes fields_of(const Word& word, std::size_t odd = SIZE_MAX, std::string_view text = {}) {
  Writer writer;
  for (std::size_t i = 0; i < word.fields.size(); ++i) {
    switch (word.fields[i]) {
      case Field::none:
      case Field::rest: break;
      case Field::text: writer.string(i == odd ? text : "text"sv); break;
      case Field::variable: writer.string(i == odd ? text : "LANG"sv); break;
      case Field::modes: writer.string(i == odd ? text : "\x03\0\0\0\x7f\0"sv); break;
      case Field::boolean: writer.boolean(true); break;
      case Field::uint32: writer.uint32(500); break;
    }
  }
  return writer.take();
}

bool is_sound(const Word& word, ByteView fields) { return Reading(word.form, speaker_of(word), word.name, fields).sound(); }

bool has(const Word& word, Field field) { return std::find(word.fields.begin(), word.fields.end(), field) != word.fields.end(); }

class VocabularyTest : public ::testing::TestWithParam<Word> {
 protected:
  const Word& word_ = GetParam();
};
void PrintTo(const Word& word, std::ostream* out) { *out << word.name; }

TEST_P(VocabularyTest, TakesTheWholeFromWhoMaySayIt) {
  const Bytes fields = fields_of(word_);
  for (const Speaker speaker : {Speaker::client, Speaker::target}) {
    const Reading reading(word_.form, speaker, word_.name, fields);
    EXPECT_EQ(reading.sound(), speaker == Speaker::client ? word_.by_client : word_.by_target);
    if (reading.sound()) {
      EXPECT_EQ(Bytes(reading.fields().begin(), reading.fields().end()), fields);
    }
  }
}

TEST_P(VocabularyTest, RefusesEveryOtherSpellingOfTheName) {
  const Bytes fields = fields_of(word_);
  std::string upper(word_.name);
  upper[0] = static_cast<char>(std::toupper(upper[0]));
  for (const std::string& name : {std::string(word_.name) + '\0', '\0' + std::string(word_.name), std::string(word_.name) + " ",
                                  std::string(word_.name).substr(1), upper, std::string(word_.name) + std::string("\0x", 2)}) {
    const Reading reading(word_.form, speaker_of(word_), name, fields);
    EXPECT_FALSE(reading.sound()) << name;
    EXPECT_FALSE(reading.known()) << name;
  }
}

TEST_P(VocabularyTest, RefusesACutAtEveryByte) {
  const Bytes fields = fields_of(word_);
  for (std::size_t size = 0; size < fields.size(); ++size)
    EXPECT_FALSE(is_sound(word_, ByteView(fields).first(size))) << "of " << size << " bytes";
}

TEST_P(VocabularyTest, RefusesTrailingBytes) {
  Bytes fields = fields_of(word_);
  fields.push_back(0);
  EXPECT_EQ(is_sound(word_, fields), has(word_, Field::rest));
}

TEST_P(VocabularyTest, RefusesAZeroAnywhereInAText) {
  for (std::size_t i = 0; i < word_.fields.size(); ++i) {
    if (word_.fields[i] != Field::text && word_.fields[i] != Field::variable) continue;
    for (const std::string_view text : {"text\0"sv, "\0"sv, "te\0xt"sv, "\0text"sv})
      EXPECT_FALSE(is_sound(word_, fields_of(word_, i, text))) << "field " << i;
  }
}

TEST_P(VocabularyTest, BoundsATextsLength) {
  for (std::size_t i = 0; i < word_.fields.size(); ++i) {
    if (word_.fields[i] != Field::text) continue;
    EXPECT_TRUE(is_sound(word_, fields_of(word_, i, "")));
    EXPECT_TRUE(is_sound(word_, fields_of(word_, i, std::string(kMaximumText, 'x'))));
    EXPECT_FALSE(is_sound(word_, fields_of(word_, i, std::string(kMaximumText + 1, 'x'))));
  }
}

TEST_P(VocabularyTest, WritesTrueInOneWay) {
  const Bytes usual = fields_of(word_);
  Bytes fields = usual;
  std::size_t at = 0;
  for (const Field field : word_.fields) {
    if (field == Field::boolean) fields[at] = 0x80;
    at += field == Field::boolean ? 1 : field == Field::uint32 ? 4 : 8;  // a text before it is "text"
  }
  const Reading reading(word_.form, speaker_of(word_), word_.name, fields);
  ASSERT_TRUE(reading.sound());
  EXPECT_EQ(Bytes(reading.fields().begin(), reading.fields().end()), usual);
}

/// What is handed on of a message; its kind can be told by the number of the alternative. Nothing for what isn't read.
std::optional<std::size_t> kind_of(const Word& word, ByteView fields) {
  const auto index = [](const auto& read) { return read ? std::optional(read->index()) : std::nullopt; };
  if (word.form == Form::channel_request) return index(parse_session_request(word.name, fields));
  if (word.form == Form::channel_open) return index(parse_open_fields(word.name, fields));
  return index(parse_global_fields(word.name, fields));
}

TEST_P(VocabularyTest, IsReadIntoAValueOfItsOwn) {
  if (word_.name == kKeepalive || has(word_, Field::rest)) return;  // whose fields nobody here takes apart
  const Bytes fields = fields_of(word_);
  ASSERT_TRUE(kind_of(word_, fields)) << "sound, and nobody can read it";
  Bytes longer = fields;
  longer.push_back(0);
  EXPECT_FALSE(kind_of(word_, longer));
  for (std::size_t size = 0; size < fields.size(); ++size) EXPECT_FALSE(kind_of(word_, ByteView(fields).first(size))) << size;
  if (word_.form != Form::channel_request) return;
  const auto request = parse_session_request(word_.name, fields);
  EXPECT_EQ(type_of(*request), word_.name);
  EXPECT_EQ(build_fields(*request), fields);
}

INSTANTIATE_TEST_SUITE_P(All, VocabularyTest, ::testing::ValuesIn(kVocabulary), [](const auto& param) {
  std::string name = std::to_string(param.index) + "_" + std::string(param.param.name);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

TEST(Vocabulary, DoesNotKnowWhatItDoesNotList) {
  for (const std::string_view name : {""sv, "hello@example.com"sv, "agent-req"sv, "xon-xoff"sv, "exit-status"sv})
    EXPECT_FALSE(Reading(Form::channel_request, Speaker::client, name, {}).known()) << name;
  for (const std::string_view name : {"exec"sv, "shell"sv, "env"sv, "signal"sv})
    EXPECT_FALSE(Reading(Form::channel_request, Speaker::target, name, {}).known()) << name;
  for (const std::string_view name : {"tun@openssh.com"sv, "x11"sv, "forwarded-tcpip"sv, "agent-connect"sv})
    EXPECT_FALSE(Reading(Form::channel_open, Speaker::client, name, {}).known()) << name;
  EXPECT_FALSE(Reading(Form::channel_open, Speaker::target, "session", {}).known());
  EXPECT_FALSE(Reading(Form::global_request, Speaker::client, "hostkeys-00@openssh.com", {}).known());
  EXPECT_FALSE(Reading(Form::global_request, Speaker::client, "exec", fields_of(kVocabulary[5])).known());
}

TEST(Vocabulary, AVariableHasAName) {
  const auto sound = [](std::string_view name) {
    return Reading(Form::channel_request, Speaker::client, "env", Writer().string(name).string("x"sv).take()).sound();
  };
  EXPECT_TRUE(sound("LC_ALL"));
  EXPECT_FALSE(sound(""));
  EXPECT_FALSE(sound("SSH_ORIGINAL_COMMAND=x")) << "would be SSH_ORIGINAL_COMMAND to the program";
}

TEST(Vocabulary, TerminalModesMayEndWithoutAnOpcodeButNotInsideOne) {
  const auto sound = [](std::string_view modes) {
    const Bytes fields = Writer().string("xterm"sv).uint32(80).uint32(24).uint32(0).uint32(0).string(modes).take();
    return Reading(Form::channel_request, Speaker::client, "pty-req", fields).sound();
  };
  EXPECT_TRUE(sound(""));
  EXPECT_TRUE(sound("\0"sv));
  EXPECT_TRUE(sound("\x80\0\0\x96\0"sv));
  EXPECT_TRUE(sound("\xa0 what follows has no meaning"sv));
  EXPECT_FALSE(sound("\x80\0\0"sv));
}

TEST(Vocabulary, WhatIsWrittenHereIsSound) {
  EXPECT_TRUE(Reading(Form::channel_request, Speaker::target, "exit-signal", build_fields(ExitSignal{"SEGV", true, "why", "en"}))
                  .sound());
  EXPECT_TRUE(Reading(Form::channel_request, Speaker::target, "exit-status", build_fields(ExitStatus{3})).sound());
}

TEST(Vocabulary, ARefusalsWordsEndAtAZero) {
  const Bytes message = build_channel_open_failure(RecipientChannel{1}, OpenFailureReason::connect_failed, "no\0 way"sv);
  EXPECT_EQ(parse_channel_open_failure(message)->description, "no");
}

}  // namespace
}  // namespace sallyport::wire
