// Who answers what a client asks of a session before its program runs, and what it learns of refusals.
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint32_t kWindow = 100000;

/// No rule of a route can lead a session elsewhere.
Config plain_config() {
  Config config = world_config();
  for (Route& route : config.routes) route.channels.clear();
  config.defaults.forward_agent = true;
  return config;
}

/// A session of the client's with the number 7 there, and 0 here; what the target confirms is 40 there, and 0 here.
class AnswersTest : public WorldTest {
 protected:
  explicit AnswersTest(Config config = plain_config()) : WorldTest(std::move(config)) {}

  void open(std::string_view target = "web1") {
    client = &connect("alice", target);
    client->deliver(open_message(7, kWindow));
    take(*client);
  }
  /// The target behind the login of that number, which has confirmed the session.
  MemoryPeer& confirm(std::size_t dial = 0) {
    MemoryPeer& target = connector.succeed(dial);
    EXPECT_THAT(take(target), ElementsAre(HasSubstr("OPEN session from=0")));
    target.deliver(confirm_message(0, 40, kWindow));
    return target;
  }
  MemoryPeer* client = nullptr;
};

/// There is a rule about commands.
struct RuledTest : AnswersTest {
  RuledTest() : AnswersTest(world_config()) {}
};

TEST_F(AnswersTest, TheTargetIsAskedAtOnceWhereTheRouteLeadsNowhereElse) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  client->deliver(env_message(0, "GOOD", "1", true));
  EXPECT_THAT(take(*client), IsEmpty()) << "nobody knows yet";
  MemoryPeer& target = confirm();
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 pty-req? vt100 80x24", "REQUEST 40 env? GOOD=1"));
  target.deliver(failure_message(0));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7", "SUCCESS 7"));
  client->deliver(env_message(0, "BAD", "2", true));
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 env? BAD=2"));
  target.deliver(failure_message(0));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
  client->deliver(exec_message(0, "true"));
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 exec? true", HasSubstr("ADJUST 40 ")));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre(HasSubstr("ADJUST 7 "), "SUCCESS 7"));
}

TEST_F(AnswersTest, ThePhasesOfASessionCanBeFollowed) {
  open();
  client->deliver(exec_message(0, "first"));
  MemoryPeer& target = confirm();
  target.deliver(failure_message(0));
  client->deliver(exec_message(0, "second"));
  target.deliver(success_message(0));
  target.deliver(close_message(0));
  client->deliver(close_message(0));
  EXPECT_THAT(journal.phases, ElementsAre("s1 collecting -> binding", "s1 binding -> relaying", "s1 relaying -> collecting",
                                          "s1 collecting -> binding", "s1 binding -> relaying", "s1 relaying -> ended"));
}

TEST_F(AnswersTest, AnAgentThatIsLentLaterGetsATrunkOfItsOwn) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  MemoryPeer& shared = confirm();
  EXPECT_THAT(take(shared), ElementsAre("REQUEST 40 pty-req? vt100 80x24"));
  shared.deliver(success_message(0));
  client->deliver(request_message(0, wire::kAgentRequest, true));
  EXPECT_THAT(take(shared), ElementsAre("CLOSE 40"));
  MemoryPeer& own = confirm(1);
  EXPECT_THAT(take(own), ElementsAre("REQUEST 40 pty-req vt100 80x24", "REQUEST 40 auth-agent-req@openssh.com?"));
  own.deliver(success_message(0));
  client->deliver(exec_message(0, "true"));
  EXPECT_THAT(take(own), ElementsAre("REQUEST 40 exec? true", HasSubstr("ADJUST 40 ")));
}

TEST_F(AnswersTest, AChannelThatIsNotWantedAnyMoreIsNotTakenForTheOther) {
  open();
  MemoryPeer& other = connect();
  exec(other, 1);
  MemoryPeer& shared = connector.succeed(0);
  take(shared);
  client->deliver(pty_message(0, "vt100", true));
  EXPECT_THAT(take(shared), ElementsAre(HasSubstr("OPEN session from=1")));
  client->deliver(request_message(0, wire::kAgentRequest, true));  // which takes a trunk of its own
  shared.deliver(confirm_message(1, 41, kWindow));                 // in the same turn
  EXPECT_THAT(take(shared), ElementsAre("CLOSE 41"));
  MemoryPeer& own = confirm(1);
  EXPECT_THAT(take(own), ElementsAre("REQUEST 40 pty-req? vt100 80x24", "REQUEST 40 auth-agent-req@openssh.com?"));
}

TEST_F(AnswersTest, ALoginThatFailsIsToldWithTheProgram) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  connector.fail(0, "target web1 can't be reached");
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7"));
  client->deliver(exec_message(0, "true"));
  connector.fail(1, "target web1 can't be reached");
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7", "STDERR 7 sallyport: target web1 can't be reached\r\n",
                                         "REQUEST 7 exit-status 255", "EOF 7", "CLOSE 7"));
}

TEST_F(AnswersTest, ATrunkThatIsLostBeforeTheProgramIsReplaced) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  confirm().close(Errc::io, "reset");
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7"));
  client->deliver(exec_message(0, "true"));
  MemoryPeer& target = confirm(1);
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 pty-req? vt100 80x24", "REQUEST 40 exec? true", HasSubstr("ADJUST 40 ")));
}

TEST_F(AnswersTest, OnTheBastionItIsKnown) {
  open("shell");
  client->deliver(env_message(0, "LC_ALL", "C", true));
  client->deliver(env_message(0, "SECRET", "1", true));
  client->deliver(pty_message(0, "vt100", true));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7", "FAILURE 7", "SUCCESS 7"));
}

TEST_F(RuledTest, WhatIsSentAlongWithTheProgramIsAnsweredByTheTarget) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  client->deliver(env_message(0, "LANG", "C", false));
  client->deliver(exec_message(0, "true"));
  MemoryPeer& target = confirm();
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 pty-req? vt100 80x24", "REQUEST 40 env LANG=C", "REQUEST 40 exec? true",
                                        HasSubstr("ADJUST 40 ")));
  take(*client);
  target.deliver(failure_message(0));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7", "SUCCESS 7"));
}

TEST_F(RuledTest, WhoWaitsForAnAnswerIsToldYesAndLearnsOfARefusalOnStderr) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  EXPECT_THAT(take(*client), IsEmpty());
  clock.advance(Session::kSentAlong);
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7"));
  client->deliver(env_message(0, "WISH", "1", true));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7")) << "it is known to wait";
  client->deliver(exec_message(0, "true"));
  MemoryPeer& target = confirm();
  take(*client);
  target.deliver(failure_message(0));
  target.deliver(failure_message(0));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("STDERR 7 sallyport: target web1 refused the terminal\r\n",
                                         "STDERR 7 sallyport: target web1 refused the variable WISH\r\n", "SUCCESS 7"));
  EXPECT_TRUE(journal.has("request refused h1 pty-req: target web1 refused it"));
}

TEST_F(RuledTest, WhatIsToldNeverTakesOfTheWindowThatTheTargetWasPromised) {
  client = &connect();
  client->deliver(open_message(7, 30));
  client->deliver(env_message(0, "WISH", "1", true));
  clock.advance(Session::kSentAlong);
  client->deliver(exec_message(0, "true"));
  MemoryPeer& target = confirm();
  take(*client);
  target.deliver(failure_message(0));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7"));
  target.deliver(data_message(0, "0123456789012345678901234567"));
  target.deliver(close_message(0));
  const Lines lines = take(*client);
  EXPECT_THAT(lines, ElementsAre("DATA 7 0123456789012345678901234567", "CLOSE 7"));
}

TEST_F(RuledTest, ProgramsOnTheBastionGetWhatTheyAccept) {
  open();
  client->deliver(env_message(0, "LC_ALL", "C", true));
  client->deliver(env_message(0, "SECRET", "1", true));
  client->deliver(exec_message(0, "local"));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7", "FAILURE 7", HasSubstr("ADJUST 7 ")));
}

TEST_F(RelayTest, AFailureIsNotInventedForWhatHasRun) {
  client->deliver(open_message(8, kWindow));
  client->deliver(exec_message(1, "odd"));
  server->deliver(confirm_message(1, 41, kWindow));
  server->deliver(data_message(1, "output"));
  server->deliver(close_message(1));
  const Lines lines = take(*client);
  EXPECT_THAT(lines, ::testing::Contains("DATA 8 output"));
  EXPECT_THAT(lines, ::testing::Contains("CLOSE 8"));
  EXPECT_THAT(lines, ::testing::Not(::testing::Contains("FAILURE 8")));
}

TEST_F(AnswersTest, ARefusedProgramLeavesTheChannelToTheNextOne) {
  open();
  client->deliver(request_message(0, "subsystem", true, one_string("sftp")));
  MemoryPeer& target = confirm();
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 subsystem? sftp"));
  take(*client);
  target.deliver(failure_message(0));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
  EXPECT_TRUE(journal.has("failed h1 the target refused it"));
  client->deliver(exec_message(0, "/usr/lib/sftp-server"));
  EXPECT_THAT(take(target), ElementsAre("REQUEST 40 exec? /usr/lib/sftp-server"));
  target.deliver(success_message(0));
  EXPECT_THAT(take(*client), ElementsAre("SUCCESS 7"));
  EXPECT_TRUE(journal.has("started h1 exec /usr/lib/sftp-server at web1"));
  client->deliver(data_message(0, "init"));
  EXPECT_THAT(take(target), ElementsAre("DATA 40 init"));
  client->deliver(exec_message(0, "third"));
  EXPECT_THAT(take(*client), ElementsAre("FAILURE 7"));
}

TEST_F(RuledTest, AfterARefusalTheNextProgramMayEndElsewhere) {
  open();
  client->deliver(pty_message(0, "vt100", true));
  client->deliver(exec_message(0, "true"));
  MemoryPeer& target = confirm();
  target.deliver(success_message(0));
  target.deliver(failure_message(0));
  take(target);
  client->deliver(exec_message(0, "local"));
  EXPECT_THAT(take(target), ElementsAre("CLOSE 40"));
  ASSERT_EQ(launcher.programs.size(), 1u);
  ASSERT_TRUE(launcher.programs[0].spec.pty);
  EXPECT_EQ(launcher.programs[0].spec.pty->term, "vt100");
}

TEST_F(AnswersTest, ManySizesOfATerminalAreOne) {
  open();
  client->deliver(pty_message(0, "vt100", false));
  client->deliver(request_message(0, "shell", true));
  for (std::uint32_t columns = 1; columns <= 1000; ++columns) client->deliver(window_change_message(0, columns, 50));
  EXPECT_THAT(take(confirm()), ElementsAre("REQUEST 40 pty-req vt100 1000x50", "REQUEST 40 shell?", HasSubstr("ADJUST 40 ")));
}

TEST_F(AnswersTest, FourVariablesOfSixtyKilobytes) {
  open();
  const std::string value(60'000, 'v');
  for (const char* name : {"A", "B", "C", "D"}) client->deliver(env_message(0, name, value, false));
  client->deliver(exec_message(0, "true"));
  const Lines lines = take(confirm());
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[3], "REQUEST 40 env D=" + value);
}

TEST_F(AnswersTest, AVariableThatIsLeftOutIsTold) {
  open();
  const std::string value(200'000, 'v');
  for (int i = 0; i < 6; ++i) client->deliver(env_message(0, "V" + std::to_string(i), value, false));
  client->deliver(exec_message(0, "true"));
  confirm();
  EXPECT_THAT(take(*client),
              ::testing::Contains("STDERR 7 sallyport: the variable V5 was left out: too many variables, or too long ones\n"));
}

}  // namespace
}  // namespace sallyport::mux
