// The protocol between the daemon and its PAM helper: what goes in comes out, and nothing else does.
#include "pam/protocol.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sallyport::pam {
namespace {

Frame only_frame(const Bytes& bytes) {
  const Cut cut = cut_frame(bytes);
  EXPECT_FALSE(cut.broken);
  EXPECT_EQ(cut.used, bytes.size());
  return cut.frame.value_or(Frame{});
}

TEST(PamProtocolTest, TakesEachMessageOverTheWire) {
  const Bytes start_bytes = frame(Start{"sallyport", "alice", "::1", false});
  const Frame start_frame = only_frame(start_bytes);
  EXPECT_EQ(start_frame.type, Type::start);
  const auto start = parse_start(start_frame.fields);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->service, "sallyport");
  EXPECT_EQ(start->user, "alice");
  EXPECT_EQ(start->remote_host, "::1");
  EXPECT_FALSE(start->authenticate);

  std::vector<SecretString> secrets;
  secrets.emplace_back("one");
  secrets.emplace_back("");
  const Bytes answer_bytes = frame(secrets);
  const auto answers = parse_answers(only_frame(answer_bytes).fields);
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2U);
  EXPECT_EQ((*answers)[0].view(), "one");
  EXPECT_TRUE((*answers)[1].empty());

  const Bytes question_bytes = frame(std::vector<Message>{{Message::Style::secret, "Password: "}, {Message::Style::info, "hi"}});
  const auto questions = parse_questions(only_frame(question_bytes).fields);
  ASSERT_TRUE(questions);
  ASSERT_EQ(questions->size(), 2U);
  EXPECT_TRUE((*questions)[0].wants_answer());
  EXPECT_EQ((*questions)[1].text, "hi");
  EXPECT_FALSE((*questions)[1].wants_answer());

  const Bytes failed_bytes = frame(Failed{Failed::Kind::refused, "no"});
  const auto failed = parse_failed(only_frame(failed_bytes).fields);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->kind, Failed::Kind::refused);
  EXPECT_EQ(failed->reason, "no");
  EXPECT_EQ(only_frame(frame(Type::opened)).type, Type::opened);
}

TEST(PamProtocolTest, CutsFramesThatComeInPieces) {
  Bytes both = frame(Type::changing);
  const std::size_t first = both.size();
  const Bytes second = frame(Failed{Failed::Kind::unavailable, "why"});
  both.insert(both.end(), second.begin(), second.end());
  for (std::size_t size = 0; size < first; ++size) {
    const Cut cut = cut_frame(ByteView(both).first(size));
    EXPECT_FALSE(cut.frame);
    EXPECT_FALSE(cut.broken);
  }
  EXPECT_EQ(cut_frame(both).used, first);
  EXPECT_EQ(only_frame(second).type, Type::failed);
}

TEST(PamProtocolTest, RefusesFramesThatAreEmptyOrTooLong) {
  EXPECT_TRUE(cut_frame(Bytes{0, 0, 0, 0}).broken);
  EXPECT_TRUE(cut_frame(Bytes{0, 1, 0, 1}).broken);
  EXPECT_TRUE(cut_frame(Bytes{0xff, 0xff, 0xff, 0xff}).broken);
}

TEST(PamProtocolTest, RefusesEveryTruncationAndWhatIsLeftOver) {
  std::vector<SecretString> secrets;
  secrets.emplace_back("one");
  const Bytes frames[] = {frame(Start{"s", "u", "h", true}), frame(secrets),
                          frame(std::vector<Message>{{Message::Style::info, "t"}}), frame(Failed{Failed::Kind::refused, "r"})};
  const auto parses = [](Type type, ByteView fields) {
    switch (type) {
      case Type::start: return parse_start(fields).has_value();
      case Type::answers: return parse_answers(fields).has_value();
      case Type::questions: return parse_questions(fields).has_value();
      default: return parse_failed(fields).has_value();
    }
  };
  for (const Bytes& bytes : frames) {
    const Frame whole = only_frame(bytes);
    EXPECT_TRUE(parses(whole.type, whole.fields));
    for (std::size_t size = 0; size < whole.fields.size(); ++size) EXPECT_FALSE(parses(whole.type, whole.fields.first(size)));
    Bytes longer(whole.fields.begin(), whole.fields.end());
    longer.push_back(0);
    EXPECT_FALSE(parses(whole.type, longer));
  }
}

TEST(PamProtocolTest, RefusesWhatIsTooMuch) {
  EXPECT_FALSE(parse_start(only_frame(frame(Start{"s", std::string("u\0x", 3), "h", true})).fields));
  EXPECT_FALSE(parse_start(only_frame(frame(Start{"", "u", "h", true})).fields));
  std::vector<SecretString> secrets;
  secrets.emplace_back(std::string(kMaxAnswer + 1, 'x'));
  EXPECT_FALSE(parse_answers(only_frame(frame(secrets)).fields));
  EXPECT_FALSE(parse_answers(Bytes{0, 0, 0, 33}));
  EXPECT_FALSE(parse_questions(Bytes{0, 0, 0, 1, 9, 0, 0, 0, 0}));
  // What a module says is cut to size.
  const Bytes bytes = frame(std::vector<Message>(100, Message{Message::Style::info, std::string(5000, 't')}));
  const auto questions = parse_questions(only_frame(bytes).fields);
  ASSERT_TRUE(questions);
  EXPECT_EQ(questions->size(), kMaxMessages);
  EXPECT_EQ(questions->front().text.size(), kMaxText);
}

}  // namespace
}  // namespace sallyport::pam
