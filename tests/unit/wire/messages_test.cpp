#include "wire/messages.hpp"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "fakes/ssh_messages.hpp"

namespace sallyport::wire {
namespace {

using namespace fakes;

struct Row {
  const char* name;
  Bytes message;
  std::function<bool(ByteView)> parses;
  bool open_ended;  ///< what follows belongs to a type: more bytes are in order
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const Row kRows[] = {
    {"global_request", global_message("keepalive@openssh.com", true),
     [](ByteView m) { return parse_global_request(m).has_value(); }, true},
    {"open", open_message(3, 4, 5), [](ByteView m) { return parse_channel_open(m).has_value(); }, true},
    {"confirmation", confirm_message(1, 2, 3, 4), [](ByteView m) { return parse_channel_open_confirmation(m).has_value(); },
     true},
    {"open_failure", refuse_message(1, OpenFailureReason::connect_failed, "no"),
     [](ByteView m) { return parse_channel_open_failure(m).has_value(); }, false},
    {"adjust", adjust_message(1, 2), [](ByteView m) { return parse_channel_window_adjust(m).has_value(); }, false},
    {"data", data_message(1, "abc"), [](ByteView m) { return parse_channel_data(m).has_value(); }, false},
    {"extended_data", stderr_message(1, "abc"), [](ByteView m) { return parse_channel_extended_data(m).has_value(); }, false},
    {"eof", eof_message(1), [](ByteView m) { return parse_channel_only(m).has_value(); }, false},
    {"request", request_message(1, "shell", true), [](ByteView m) { return parse_channel_request(m).has_value(); }, true},
};

class MessageTest : public ::testing::TestWithParam<Row> {};

TEST_P(MessageTest, ParsesWhole) { EXPECT_TRUE(GetParam().parses(GetParam().message)); }

TEST_P(MessageTest, RefusesACutAtEveryByte) {
  const Bytes& message = GetParam().message;
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));  // ASan sees its end
    EXPECT_FALSE(GetParam().parses(cut)) << "of " << size << " bytes";
  }
}

TEST_P(MessageTest, RefusesTrailingBytesUnlessTheTypeMayHaveMore) {
  Bytes longer = GetParam().message;
  longer.push_back(0);
  EXPECT_EQ(GetParam().parses(longer), GetParam().open_ended);
}

INSTANTIATE_TEST_SUITE_P(All, MessageTest, ::testing::ValuesIn(kRows),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(Messages, FieldsComeBackAsTheyWereBuilt) {
  const Bytes bytes = build_channel_open("session", LocalChannel{7}, 0xfffffffe, 32768, bytes_of("rest"));
  const auto open = parse_channel_open(bytes);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->type, "session");
  EXPECT_EQ(number(open->sender), 7u);
  EXPECT_EQ(open->initial_window, 0xfffffffeu);
  EXPECT_EQ(open->maximum_packet, 32768u);
  EXPECT_EQ(text_of(open->rest), "rest");

  const Bytes asked = build_channel_request(RecipientChannel{9}, "exec", true, one_string("ls"));
  const auto request = parse_channel_request(asked);
  ASSERT_TRUE(request);
  EXPECT_EQ(number(request->recipient), 9u);
  EXPECT_TRUE(request->want_reply);
  EXPECT_EQ(std::get<Exec>(*parse_session_request(request->type, request->rest)).command, "ls");

  const Bytes refused = build_channel_open_failure(RecipientChannel{2}, OpenFailureReason::resource_shortage, "full");
  const auto failure = parse_channel_open_failure(refused);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->reason, OpenFailureReason::resource_shortage);
  EXPECT_EQ(failure->description, "full");
}

TEST(Messages, ALengthBeyondTheEndIsNoField) {
  Bytes message = data_message(1, "abc");
  message[5] = 0xff;  // the length of the data
  EXPECT_FALSE(parse_channel_data(message));
}

TEST(Messages, AnyBooleanButZeroIsTrue) {
  Bytes message = global_message("x", true);
  message.back() = 2;
  EXPECT_TRUE(parse_global_request(message)->want_reply);
}

}  // namespace
}  // namespace sallyport::wire
