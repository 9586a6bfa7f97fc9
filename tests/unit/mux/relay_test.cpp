// Late binding and the relay of one session.
#include "world.hpp"

namespace sallyport::mux {
namespace {

using LateBindingTest = WorldTest;

TEST_F(LateBindingTest, ConfirmsAtOnceAndConnectsOnlyForAProgram) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 7 from=0 window=0"));
  EXPECT_TRUE(connector.dials.empty());
  client.deliver(exec_message(0, "true"));
  ASSERT_EQ(connector.dials.size(), 1u);
  EXPECT_EQ(connector.dials[0].target.name, "web1");
  EXPECT_THAT(take(client), IsEmpty());
}

TEST_F(LateBindingTest, SendsWhatWasCollectedInOrder) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(pty_message(0, "xterm", true));
  client.deliver(env_message(0, "LANG", "C", true));
  client.deliver(env_message(0, "LC_ALL", "C", false));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 7 from=0 window=0"));
  clock.advance(Session::kSentAlong);
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "SUCCESS 7"));
  client.deliver(request_message(0, "shell", true));
  MemoryPeer& server = connector.succeed(0);
  // Its login could have asked a question at the terminal.
  EXPECT_THAT(take(server), ElementsAre("OPEN session from=0 window=0"));
  server.deliver(confirm_message(0, 40, 5000));
  EXPECT_THAT(take(server), ElementsAre("REQUEST 40 pty-req? xterm 80x24", "REQUEST 40 env? LANG=C", "REQUEST 40 env LC_ALL=C",
                                        "REQUEST 40 shell?", "ADJUST 40 95904"))
      << "some of the window is kept for what is to be told if the target refuses one";
  EXPECT_THAT(take(client), ElementsAre("ADJUST 7 5000"));
  for (int i = 0; i < 3; ++i) server.deliver(success_message(0));
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7"));
}

TEST_F(LateBindingTest, RelaysTheRefusalOfAProgram) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 5000));
  server.deliver(failure_message(0));
  EXPECT_THAT(take(client), ElementsAre("ADJUST 7 5000", "FAILURE 7"));
}

TEST_F(LateBindingTest, AppliesAWindowChangeBeforeTheProgramToThePty) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(pty_message(0, "xterm", false));
  client.deliver(window_change_message(0, 132, 50));
  client.deliver(request_message(0, "shell", false));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 5000));
  EXPECT_THAT(take(server), ElementsAre("REQUEST 40 pty-req xterm 132x50", "REQUEST 40 shell", "ADJUST 40 100000"));
}

TEST_F(LateBindingTest, PassesOnWhatCameWhileConnecting) {
  MemoryPeer& client = connect();
  exec(client, 7);
  client.deliver(window_change_message(0, 100, 30));
  client.deliver(request_message(0, "signal", true, one_string("INT")));
  client.deliver(eof_message(0));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 5000));
  EXPECT_THAT(take(server),
              ElementsAre("REQUEST 40 exec? true", "REQUEST 40 window-change 100x30", "REQUEST 40 signal? INT", "EOF 40"));
  EXPECT_THAT(take(client), IsEmpty()) << "a window for a client that has sent EOF";
}

TEST_F(LateBindingTest, PassesOnEofThatCameBeforeTheProgram) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(eof_message(0));
  client.deliver(exec_message(0, "true"));
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 5000));
  EXPECT_THAT(take(server), ElementsAre("REQUEST 40 exec? true", "EOF 40"));
}

/// As twisted's conch does when a program ends whose output stands before the window: it closes once that has gone, also into the
/// void.
TEST_F(LateBindingTest, WhoSaysEofTooEarlyCanSendTheRest) {
  MemoryPeer& client = connect();
  exec(client, 7, "true", 1000);
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 5000));
  server.deliver(success_message(0));
  server.deliver(data_message(0, std::string(1000, 'x')));
  server.deliver(eof_message(0));
  client.take();
  server.take();
  client.deliver(adjust_message(0, 600));
  EXPECT_THAT(take(server), ElementsAre("ADJUST 40 600"));
  for (int i = 0; i < 3; ++i) server.deliver(data_message(0, std::string(600, 'y')));
  EXPECT_THAT(take(server), ElementsAre("ADJUST 40 600", "ADJUST 40 600", "ADJUST 40 600")) << "as if it had been consumed";
  EXPECT_THAT(take(client), IsEmpty());
  server.deliver(close_message(0));
  EXPECT_THAT(take(client), ElementsAre("CLOSE 7"));
}

TEST_F(LateBindingTest, ClosesWhatWasBeingOpenedForAClientThatLeft) {
  MemoryPeer& client = connect();
  exec(client, 7);
  MemoryPeer& server = connector.succeed(0);
  server.take();
  client.deliver(close_message(0));
  EXPECT_THAT(take(client), ElementsAre("CLOSE 7"));
  clock.turn();
  EXPECT_THAT(take(server), IsEmpty());
  server.deliver(confirm_message(0, 40, 5000));
  EXPECT_THAT(take(server), ElementsAre("CLOSE 40"));
  EXPECT_EQ(trunks()[0].channels, 1u) << "the slot is busy until CLOSE came back";
  server.deliver(close_message(0));
  EXPECT_EQ(trunks()[0].channels, 0u);
}

TEST_F(LateBindingTest, GivesUpTheWaitOfAClientThatLeftWhileConnecting) {
  MemoryPeer& client = connect();
  exec(client, 7);
  client.deliver(close_message(0));
  clock.turn();
  MemoryPeer& server = connector.succeed(0);
  EXPECT_THAT(take(server), IsEmpty());
  EXPECT_EQ(trunks()[0].channels, 0u);
}

TEST_F(LateBindingTest, RefusesASecondProgramBehindTheFirstOnesAnswer) {
  MemoryPeer& client = connect();
  exec(client, 7);
  client.deliver(request_message(0, "shell", true));
  EXPECT_THAT(take(client), IsEmpty());
  MemoryPeer& server = connector.succeed(0);
  server.deliver(confirm_message(0, 40, 0));
  server.take();
  server.deliver(success_message(0));
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "FAILURE 7"));
  client.deliver(exec_message(0, "more"));
  EXPECT_THAT(take(client), ElementsAre("FAILURE 7"));
  EXPECT_THAT(take(server), IsEmpty());
}

TEST_F(LateBindingTest, RunsTheForcedCommandInPlaceOfWhatWasAskedFor) {
  Admission admitted = admission("alice", "web1");
  admitted.grant.command = "backup";
  MemoryPeer& client = connect(std::move(admitted));
  exec(client, 7, "rm -rf x");
  MemoryPeer& server = connector.succeed(0);
  server.take();
  server.deliver(confirm_message(0, 40, 0));
  EXPECT_THAT(take(server), ElementsAre("REQUEST 40 env SSH_ORIGINAL_COMMAND=rm -rf x", "REQUEST 40 exec? backup"));
}

TEST_F(LateBindingTest, RefusesAPtyThatTheKeyForbids) {
  Admission admitted = admission("alice", "web1");
  admitted.grant.pty = false;
  MemoryPeer& client = connect(std::move(admitted));
  client.deliver(open_message(7, 1000));
  client.deliver(pty_message(0, "xterm", true));
  EXPECT_THAT(take(client), ElementsAre("CONFIRM 7 from=0 window=0", "FAILURE 7"));
}

TEST_F(LateBindingTest, TellsWhyAProgramIsDenied) {
  MemoryPeer& client = connect();
  exec(client, 7, "deny me");
  EXPECT_THAT(take(client),
              ElementsAre("SUCCESS 7", "STDERR 7 sallyport: not here\n", "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
  EXPECT_TRUE(connector.dials.empty());
  EXPECT_TRUE(journal.has("refused h1 not here"));
}

TEST_F(LateBindingTest, TellsAClientWithoutARouteWhy) {
  MemoryPeer& client = connect("alice", "elsewhere");
  exec(client, 7);
  const Lines lines = take(client);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[1], HasSubstr("STDERR 7 sallyport: no route"));
  EXPECT_EQ(lines[2], "REQUEST 7 exit-status 255");
}

TEST_F(LateBindingTest, CutsTheReasonToTheClientsWindow) {
  MemoryPeer& client = connect();
  exec(client, 7, "deny", 4);
  EXPECT_THAT(take(client), ElementsAre("SUCCESS 7", "STDERR 7 sall", "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
}

TEST_F(RelayTest, CarriesDataBothWaysWithTheNumbersRewritten) {
  client->deliver(data_message(0, "in"));
  EXPECT_THAT(take(*server), ElementsAre("DATA 40 in"));
  server->deliver(data_message(0, "out"));
  server->deliver(stderr_message(0, "err"));
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 out", "STDERR 7 err"));
}

TEST_F(RelayTest, PassesRemarksAboutTheChannelOnAndTheirAnswersBack) {
  client->deliver(request_message(0, "winadj@putty.projects.tartarus.org", true));
  client->deliver(request_message(0, "simple@putty.projects.tartarus.org", false));
  client->deliver(request_message(0, "eow@openssh.com", false));
  EXPECT_THAT(take(*server), ElementsAre("REQUEST 40 winadj@putty.projects.tartarus.org?",
                                         "REQUEST 40 simple@putty.projects.tartarus.org", "REQUEST 40 eow@openssh.com"));
  server->deliver(failure_message(0));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
  server->deliver(request_message(0, "eow@openssh.com", false));
  EXPECT_THAT(take(*client), ElementsAre("REQUEST 7 eow@openssh.com"));
}

TEST_F(RelayTest, KeepsAnAnswerGivenHereBehindOneThatComesFromTheTarget) {
  client->deliver(request_message(0, "signal", true, one_string("INT")));
  client->deliver(env_message(0, "LANG", "C", true));                         // too late: refused here
  client->deliver(request_message(0, "keepalive@openssh.com", true));         // answered here
  client->deliver(request_message(0, "window-change", true, bytes_of("x")));  // malformed: refused here
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_THAT(take(*server), ElementsAre("REQUEST 40 signal? INT"));
  server->deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7", "FAILURE 7", "SUCCESS 7", "FAILURE 7"));
}

TEST_F(RelayTest, KeepsUnknownRequestsFromBothSides) {
  client->deliver(request_message(0, "hello@example.com", true, bytes_of("xyz")));
  client->deliver(request_message(0, std::string_view("exec\0", 5), true, one_string("id")));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7", "FAILURE 7"));
  EXPECT_TRUE(journal.has("request refused h1 hello@example.com: unknown request"));
  EXPECT_TRUE(journal.has(std::string_view("request refused h1 exec\0: unknown request", 41)));
  server->deliver(request_message(0, "hello@example.com", true));
  EXPECT_THAT(take(*server), ElementsAre("FAILURE 40"));
  EXPECT_TRUE(journal.has("target request refused t1 hello@example.com: unknown request"));
}

TEST_F(RelayTest, RecordsWhatComesTooLateOrTwice) {
  client->deliver(exec_message(0, "second"));
  client->deliver(env_message(0, "LANG", "C", true));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7", "FAILURE 7"));
  EXPECT_TRUE(journal.has("request refused h1 exec: one program a session"));
  EXPECT_TRUE(journal.has("request refused h1 env: a program has been asked for already"));
  EXPECT_THAT(take(*server), IsEmpty());
}

TEST_F(RelayTest, WritesATruthOfTheTargetsInTheUsualWay) {
  server->deliver(request_message(0, "xon-xoff", false, wire::Writer().byte(0x80).take()));
  const std::vector<Bytes> told = client->take();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].back(), 1);
}

TEST_F(RelayTest, KeepsMalformedRequestsFromTheTarget) {
  for (const char* type : {"window-change", "pty-req", "env", "signal", "exec", "subsystem", "break", "x11-req"})
    client->deliver(request_message(0, type, false, bytes_of("x")));
  EXPECT_THAT(take(*server), IsEmpty());
  EXPECT_FALSE(client->disconnected());
}

TEST_F(RelayTest, KeepsMalformedRequestsFromTheClient) {
  server->deliver(request_message(0, "exit-status", false, bytes_of("x")));
  server->deliver(request_message(0, "exit-signal", true, bytes_of("x")));
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_THAT(take(*server), ElementsAre("FAILURE 40"));
}

// OpenSSH's client ends its connection over such a status; here that is everybody's. To the client the program has none, as if it
// were lost.
TEST_F(RelayTest, AMalformedEndOfAProgramIsNone) {
  const Bytes status = wire::build_fields(wire::ExitStatus{3});
  const Bytes signal = wire::build_fields(wire::ExitSignal{"HUP", false, {}, {}});
  const auto longer = [](Bytes fields) {
    fields.push_back(0);
    return fields;
  };
  const auto shorter = [](Bytes fields) {
    fields.pop_back();
    return fields;
  };
  server->deliver(request_message(0, "exit-status", false, {}));
  for (const Bytes& fields : {shorter(status), longer(status)}) server->deliver(request_message(0, "exit-status", false, fields));
  for (const Bytes& fields : {Bytes{}, shorter(signal), longer(signal), status})
    server->deliver(request_message(0, "exit-signal", false, fields));
  EXPECT_THAT(take(*client), IsEmpty());
  EXPECT_TRUE(journal.has("exit-status")) << "it is recorded";
  EXPECT_FALSE(server->disconnected());
  server->deliver(exit_status_message(0, 3));
  EXPECT_THAT(take(*client), ElementsAre("REQUEST 7 exit-status 3")) << "a sound one still counts";
  server->deliver(exit_status_message(0, 4));
  EXPECT_THAT(take(*client), IsEmpty()) << "and is the only one";
}

TEST_F(RelayTest, AnswersTheServersChannelKeepaliveItself) {
  client->hold_shut();
  server->deliver(request_message(0, "keepalive@openssh.com", true));
  EXPECT_THAT(take(*server), ElementsAre("SUCCESS 40"));
}

TEST_F(RelayTest, CarriesHalfCloseBothWays) {
  client->deliver(eof_message(0));
  EXPECT_THAT(take(*server), ElementsAre("EOF 40"));
  server->deliver(data_message(0, "still here"));
  server->deliver(eof_message(0));
  EXPECT_THAT(take(*client), ElementsAre("DATA 7 still here", "EOF 7"));
}

TEST_F(RelayTest, TellsTheClientWhenTheTargetIsLost) {
  server->close(Errc::io, "reset");
  EXPECT_THAT(take(*client), ElementsAre("STDERR 7 sallyport: the connection to target web1 was lost\n",
                                         "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
  clock.turn();
  client->deliver(close_message(0));
  clock.advance(ChannelNumbers::kRest);
  exec(*client, 8);
  EXPECT_EQ(connector.dials.size(), 2u) << "the next channel connects anew";
}

TEST_F(RelayTest, KeepsAStatusThatCameBeforeTheLoss) {
  server->deliver(exit_status_message(0, 3));
  server->close();
  EXPECT_THAT(take(*client), ElementsAre("REQUEST 7 exit-status 3",
                                         "STDERR 7 sallyport: the connection to target web1 was lost\n", "EOF 7", "CLOSE 7"));
}

TEST_F(RelayTest, ClosesTheTargetsChannelOfAClientThatDied) {
  client->close();
  EXPECT_THAT(take(*server), ElementsAre("CLOSE 40"));
  clock.turn();
  server->deliver(data_message(0, "late"));
  server->deliver(request_message(0, "exit-signal", true, wire::build_fields(wire::ExitSignal{"HUP", false, {}, {}})));
  server->deliver(eof_message(0));
  EXPECT_THAT(take(*server), IsEmpty());
  EXPECT_EQ(trunks()[0].channels, 1u);
  server->deliver(close_message(0));
  clock.turn();
  EXPECT_EQ(trunks()[0].channels, 0u);
  EXPECT_FALSE(server->disconnected());
}

/// The ways in which servers end a program: EOF, exit-status and CLOSE, the last one last.
class EndingTest : public RelayTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(EndingTest, NeverLosesAStatus) {
  Lines want;
  for (const char step : std::string_view(GetParam())) {
    switch (step) {
      case 'e':
        server->deliver(eof_message(0));
        want.push_back("EOF 7");
        break;
      case 's':
        server->deliver(exit_status_message(0, 42));
        want.push_back("REQUEST 7 exit-status 42");
        break;
      case 'd':
        server->deliver(data_message(0, "x"));
        want.push_back("DATA 7 x");
        break;
      case 'c':
        server->deliver(close_message(0));
        want.push_back("CLOSE 7");
        break;
      case 'h': client->deliver(eof_message(0)); break;
      case '|':  // the client's connection is blocked until the end
        client->hold_shut();
        break;
      default: FAIL();
    }
  }
  client->open();
  EXPECT_EQ(take(*client), want);
}
INSTANTIATE_TEST_SUITE_P(Orders, EndingTest,
                         ::testing::Values("dsec", "desc", "sdec", "sc", "esc", "sec", "hdsec", "dhesc", "|dsec", "|desc", "|sc",
                                           "h|sec"));

}  // namespace
}  // namespace sallyport::mux
