// Peers that break the rules: the offender is disconnected, and nobody else notices.
#include <functional>

#include "world.hpp"

namespace sallyport::mux {
namespace {

struct Offence {
  const char* name;
  std::function<void(MemoryPeer&)> commit;
};
void PrintTo(const Offence& offence, std::ostream* out) { *out << offence.name; }

Bytes cut(Bytes message) {
  message.pop_back();
  return message;
}

/// Our number 0 is an open, relayed channel; 5 was never opened.
const Offence kOffences[] = {
    {"data_for_no_channel", [](auto& peer) { peer.deliver(data_message(5, "x")); }},
    {"data_for_a_huge_number", [](auto& peer) { peer.deliver(data_message(0xffffffff, "x")); }},
    {"eof_for_no_channel", [](auto& peer) { peer.deliver(eof_message(5)); }},
    {"close_for_no_channel", [](auto& peer) { peer.deliver(close_message(5)); }},
    {"adjust_for_no_channel", [](auto& peer) { peer.deliver(adjust_message(5, 1)); }},
    {"request_for_no_channel", [](auto& peer) { peer.deliver(exec_message(5, "x")); }},
    {"confirmation_of_an_open_channel", [](auto& peer) { peer.deliver(confirm_message(0, 9, 9)); }},
    {"refusal_of_an_open_channel",
     [](auto& peer) { peer.deliver(refuse_message(0, wire::OpenFailureReason::connect_failed, "")); }},
    {"answer_to_no_request",
     [](auto& peer) {
       peer.deliver(success_message(0));
       peer.deliver(success_message(0));
     }},
    {"answer_to_no_global_request",
     [](auto& peer) { peer.deliver(type_only(wire::MessageType::request_success)); }},
    {"data_beyond_the_window",
     [](auto& peer) {
       for (int i = 0; i < 100; ++i) peer.deliver(data_message(0, std::string(32768, 'x')));
     }},
    {"data_beyond_the_packet", [](auto& peer) { peer.deliver(data_message(0, std::string(32769, 'x'))); }},
    {"data_behind_eof",
     [](auto& peer) {
       peer.deliver(eof_message(0));
       peer.deliver(data_message(0, "x"));
     }},
    {"second_eof",
     [](auto& peer) {
       peer.deliver(eof_message(0));
       peer.deliver(eof_message(0));
     }},
    {"window_beyond_32_bits",
     [](auto& peer) {
       peer.deliver(adjust_message(0, 0xffffffff));
       peer.deliver(adjust_message(0, 0xffffffff));
     }},
    {"unknown_message", [](auto& peer) { peer.deliver(Bytes{89, 0, 0, 0, 0}); }},
    {"cut_data", [](auto& peer) { peer.deliver(cut(data_message(0, "hello"))); }},
    {"cut_eof", [](auto& peer) { peer.deliver(cut(eof_message(0))); }},
    {"cut_open", [](auto& peer) { peer.deliver(cut(open_message(0, 1))); }},
    {"cut_global_request", [](auto& peer) { peer.deliver(cut(global_message("x", true))); }},
    {"trailing_bytes",
     [](auto& peer) {
       Bytes message = close_message(0);
       message.push_back(0);
       peer.deliver(message);
     }},
    {"message_for_a_closed_channel",
     [](auto& peer) {
       peer.deliver(close_message(0));
       peer.deliver(close_message(0));
     }},
};

class ViolationTest : public RelayTest, public ::testing::WithParamInterface<Offence> {
 protected:
  ViolationTest() {
    other = &connect("bob");
    exec(*other, 3);
    MemoryPeer& bobs = connector.succeed(1);
    bobs.deliver(confirm_message(0, 50, 1000));
    bobs.deliver(success_message(0));
    bobs.take();
    other->take();
    others_server = &bobs;
  }
  void expect_other_undisturbed() {
    EXPECT_FALSE(other->disconnected());
    EXPECT_THAT(take(*other), IsEmpty());
    others_server->deliver(data_message(0, "fine"));
    EXPECT_THAT(take(*other), ElementsAre("DATA 3 fine"));
  }
  MemoryPeer* other = nullptr;
  MemoryPeer* others_server = nullptr;
};

TEST_P(ViolationTest, OfAClientEndsItsConnectionAlone) {
  GetParam().commit(*client);
  ASSERT_TRUE(client->disconnected());
  EXPECT_EQ(client->disconnect_reason(), DisconnectReason::protocol_error);
  EXPECT_TRUE(journal.has("violation c1"));
  client->finish_disconnect();
  clock.turn();
  EXPECT_FALSE(client->transport_alive());
  EXPECT_FALSE(server->disconnected()) << "the trunk goes on";
  expect_other_undisturbed();
}

TEST_P(ViolationTest, OfATargetEndsItsTrunkAlone) {
  GetParam().commit(*server);
  ASSERT_TRUE(server->disconnected());
  EXPECT_TRUE(journal.has("violation t1"));
  server->finish_disconnect();
  clock.turn();
  EXPECT_FALSE(server->transport_alive());
  EXPECT_FALSE(client->disconnected());
  expect_other_undisturbed();
}

INSTANTIATE_TEST_SUITE_P(Offences, ViolationTest, ::testing::ValuesIn(kOffences),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(WorldTest, DataBeforeAProgramIsBeyondTheWindow) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(data_message(0, "x"));
  EXPECT_TRUE(client.disconnected());
}

}  // namespace
}  // namespace sallyport::mux
