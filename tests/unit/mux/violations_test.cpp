// Peers that break the rules: the offender is disconnected where OpenSSH would do so, and nobody else notices.
#include <algorithm>
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
    {"confirmation_of_an_open_channel", [](auto& peer) { peer.deliver(confirm_message(0, 9, 9)); }},
    {"refusal_of_an_open_channel",
     [](auto& peer) { peer.deliver(refuse_message(0, wire::OpenFailureReason::connect_failed, "")); }},
    {"window_beyond_32_bits",
     [](auto& peer) {
       peer.deliver(adjust_message(0, 0xffffffff));
       peer.deliver(adjust_message(0, 0xffffffff));
     }},
    {"unknown_message",
     [](auto& peer) {
       peer.deliver(Bytes{89, 0, 0, 0, 0});
     }},
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

/// What OpenSSH shrugs off. Each is committed on a channel of its own, whose number is `channel`; `ends` when it doesn't go on.
struct Slip {
  const char* name;
  std::function<void(MemoryPeer&, std::uint32_t channel)> commit;
  bool ends = false;
};

const Slip kSlips[] = {
    {"success that answers nothing", [](auto& peer, auto n) { peer.deliver(success_message(n)); }},
    {"failure that answers nothing", [](auto& peer, auto n) { peer.deliver(failure_message(n)); }},
    {"answers for no channel",
     [](auto& peer, auto) {
       peer.deliver(success_message(999));
       peer.deliver(failure_message(0xffffffff));
     }},
    {"an adjust for no channel", [](auto& peer, auto) { peer.deliver(adjust_message(999, 1)); }},
    {"answers to no global request",
     [](auto& peer, auto) {
       peer.deliver(type_only(wire::MessageType::request_success));
       peer.deliver(type_only(wire::MessageType::request_failure));
     }},
    {"a larger message than was invited", [](auto& peer, auto n) { peer.deliver(data_message(n, std::string(32769, 'x'))); }},
    {"empty data", [](auto& peer, auto n) { peer.deliver(data_message(n, "")); }},
    {"a second EOF",
     [](auto& peer, auto n) {
       peer.deliver(eof_message(n));
       peer.deliver(eof_message(n));
     }},
    {"data behind EOF",
     [](auto& peer, auto n) {
       peer.deliver(eof_message(n));
       peer.deliver(data_message(n, "late"));
       peer.deliver(stderr_message(n, "late"));
       peer.deliver(data_message(n, std::string(200000, 'x')));
     }},
    {"everything behind CLOSE",
     [](auto& peer, auto n) {
       for (int times = 0; times < 2; ++times) peer.deliver(close_message(n));
       peer.deliver(data_message(n, "late"));
       peer.deliver(stderr_message(n, "late"));
       peer.deliver(eof_message(n));
       peer.deliver(adjust_message(n, 5));
       peer.deliver(success_message(n));
       peer.deliver(failure_message(n));
       peer.deliver(exec_message(n, "late"));
       peer.deliver(close_message(n));
     },
     true},
    {"data beyond the window",
     [](auto& peer, auto n) {
       for (int i = 0; i < 100; ++i) peer.deliver(data_message(n, std::string(32768, 'x')));
     },
     true},
    {"requests that nobody answers",
     [](auto& peer, auto n) {
       for (int i = 0; i < 300; ++i) peer.deliver(request_message(n, "what@example.org", true));
     }},
};

class SlipTest : public RelayTest {
 protected:
  /// Another relayed session beside the first one, which is the bystander: the hub's numbers of it are 1 on both sides.
  void open_offender(std::uint32_t client_number, std::uint32_t server_number, std::uint32_t ours_down, std::uint32_t ours_up) {
    exec(*client, client_number, "true", 100000, ours_down);
    server->deliver(confirm_message(ours_up, server_number, 100000));
    server->deliver(success_message(ours_up));
    take(*client);
    take(*server);
  }
  void expect_bystander_undisturbed() {
    EXPECT_FALSE(client->disconnected());
    EXPECT_FALSE(server->disconnected());
    take(*client);
    take(*server);
    client->deliver(data_message(0, "up"));
    server->deliver(data_message(0, "down"));
    EXPECT_THAT(take(*server), ::testing::Contains("DATA 40 up"));
    EXPECT_THAT(take(*client), ::testing::Contains("DATA 7 down"));
  }
  /// Numbers rest, so each offender gets the next one.
  template <typename Offend>
  void each_slip(Offend offend) {
    std::uint32_t next = 1;
    for (const Slip& slip : kSlips) {
      SCOPED_TRACE(slip.name);
      const std::uint32_t n = next++;
      open_offender(100 + n, 200 + n, n, n);
      offend(slip, n);
      expect_bystander_undisturbed();
      // A trunk takes so many.
      client->deliver(close_message(n));
      server->deliver(close_message(n));
      take(*client);
      take(*server);
    }
  }
};

TEST_F(SlipTest, OfAClientEndsNothing) {
  each_slip([this](const Slip& slip, std::uint32_t n) {
    slip.commit(*client, n);
    if (!slip.ends) return;
    EXPECT_THAT(take(*client), ::testing::Contains("CLOSE " + std::to_string(100 + n)));
  });
  EXPECT_TRUE(journal.has("ignored c1 an answer to no request 1"));
}

TEST_F(SlipTest, OfATargetEndsNothing) {
  each_slip([this](const Slip& slip, std::uint32_t n) {
    slip.commit(*server, n);
    if (!slip.ends) return;
    EXPECT_THAT(take(*client), ::testing::Contains("CLOSE " + std::to_string(100 + n)));
  });
  EXPECT_TRUE(journal.has("ignored t1 an answer to no request 1"));
}

TEST_F(SlipTest, OfATargetWithoutAChannelEndsNothing) {
  server->deliver(exec_message(999, "x"));
  expect_bystander_undisturbed();
}

TEST_F(SlipTest, IsLoggedOnceAndThenByTheNumberOfDigits) {
  for (int i = 0; i < 1234; ++i) server->deliver(success_message(0));
  for (const char* count : {"1", "10", "100", "1000"})
    EXPECT_TRUE(journal.has(std::string("ignored t1 an answer to no request ") + count));
  EXPECT_EQ(
      std::count_if(journal.lines.begin(), journal.lines.end(), [](const auto& line) { return line.starts_with("ignored"); }), 4);
}

TEST_F(SlipTest, ALittleBeyondTheWindowIsTakenWhereThereIsRoom) {
  // The client takes far more than the target has been let through.
  client->deliver(adjust_message(0, 10'000'000));
  clock.advance(seconds(5));
  std::size_t granted = 100000;
  for (const std::string& line : take(*server))
    if (line.starts_with("ADJUST 40 ")) granted += std::stoul(line.substr(10));
  take(*client);
  const std::string sent(granted + 1000, 'x');
  server->deliver(data_message(0, sent));
  std::size_t got = 0;
  for (const Bytes& message : client->take())
    if (const auto data = wire::parse_channel_data(message)) got += data->data.size();
  EXPECT_EQ(got, sent.size());
  EXPECT_FALSE(server->disconnected());
}

TEST_F(SlipTest, AConfirmationThatTakesNoDataIsARefusal) {
  exec(*client, 101, "true", 100000, 1);
  Bytes confirmation = confirm_message(1, 201, 100000);
  std::fill(confirmation.end() - 4, confirmation.end(), std::uint8_t{0});
  server->deliver(confirmation);
  EXPECT_THAT(take(*server), ::testing::Contains("CLOSE 201"));  // and, as with every refusal, another trunk is tried
  expect_bystander_undisturbed();
}

TEST_F(WorldTest, DataBeforeAProgramIsDropped) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 1000));
  client.deliver(data_message(0, "x"));
  EXPECT_FALSE(client.disconnected());
  client.deliver(exec_message(0, "local"));
  launcher.programs.back().events->on_started();
  EXPECT_EQ(launcher.programs.back().input, "");
}

}  // namespace
}  // namespace sallyport::mux
