// What a login at a target needs of the client that it is for: its agent, and answers.
#include "mux/protocol/shown_text.hpp"
#include "mux/session/login_dialog.hpp"
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

Config asking_config() {
  Config config = world_config();
  Target& target = config.targets.at("web1");
  target.credentials = {{Credential::Kind::forwarded_agent, {}}, {Credential::Kind::keyboard_interactive, {}}};
  target.options.forward_agent = true;
  return config;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

class LoginHelpTest : public WorldTest {
 protected:
  LoginHelpTest() : WorldTest(asking_config()) {}

  /// A session, the client's 7 and our 0, that has asked for a command and waits for its trunk.
  MemoryPeer& waiting(bool pty, bool agent = false) {
    MemoryPeer& client = connect();
    client.deliver(open_message(7, 100000));
    if (pty) client.deliver(pty_message(0, "xterm", true));
    if (agent) client.deliver(request_message(0, "auth-agent-req@openssh.com", true));
    client.deliver(exec_message(0, "true"));
    client.take();
    return client;
  }
  void type(MemoryPeer& client, std::string_view text) {
    for (const char c : text) client.deliver(data_message(0, std::string_view(&c, 1)));
  }
  static UpstreamQuestion code() { return {"", "Token.\x1b[2J\n", {{"Code: ", false}}}; }
};

TEST_F(LoginHelpTest, AsksAtTheTerminalAndPassesTheAnswerOn) {
  MemoryPeer& client = waiting(true);
  connector.ask(0, code());
  const std::string shown = joined(take(client));
  EXPECT_THAT(shown, HasSubstr("SUCCESS 7"));  // some clients take no input before
  EXPECT_THAT(shown, HasSubstr("(web1) Token.?[2J"));
  EXPECT_THAT(shown, HasSubstr("(web1) Code: "));
  EXPECT_THAT(shown, HasSubstr("ADJUST 7 1"));
  type(client,
       "12\x7f"
       "3\r");
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("answer 13"));
  EXPECT_THAT(joined(take(client)), Not(HasSubstr("13")));
  MemoryPeer& server = connector.succeed(0);
  EXPECT_THAT(joined(take(server)), HasSubstr("OPEN"));
  server.deliver(confirm_message(0, 40, 0));
  // The reply has been given: this one goes no further, and nothing that was typed is left over.
  server.take();
  server.deliver(success_message(0));
  server.deliver(adjust_message(0, 1000));
  EXPECT_THAT(joined(take(client)), Not(HasSubstr("SUCCESS")));
  EXPECT_THAT(joined(take(server)), Not(HasSubstr("DATA")));
}

TEST_F(LoginHelpTest, WithoutATerminalTheLoginIsToldSo) {
  waiting(false);
  connector.ask(0, code());
  ASSERT_EQ(connector.dials[0].answers.size(), 1u);
  EXPECT_THAT(connector.dials[0].answers[0], HasSubstr("ssh -t"));
}

TEST_F(LoginHelpTest, SeveralQuestionsAndOneWithEcho) {
  MemoryPeer& client = waiting(true);
  connector.ask(0, {"", "", {{"Name: ", true}, {"Code: ", false}}});
  client.take();
  type(client, "al\r");
  EXPECT_THAT(joined(take(client)), HasSubstr("(web1) Code: "));
  type(client, "7\n");
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("answer al 7"));
  connector.ask(0, {"", "Push sent.", {}});
  connector.ask(0, code());
  type(client, "8\r");
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("answer al 7", "answer", "answer 8"));
}

TEST_F(LoginHelpTest, OthersWaitAndAreNotAsked) {
  MemoryPeer& client = waiting(true);
  MemoryPeer& other = waiting(true);
  ASSERT_EQ(connector.dials.size(), 1u);
  connector.ask(0, code());
  EXPECT_THAT(joined(take(other)), Not(HasSubstr("Code")));
  clock.advance(seconds(80));  // longer than they would wait for a machine
  EXPECT_THAT(joined(take(other)), Not(HasSubstr("can't be reached")));
  type(client, "1\r");
  connector.succeed(0);
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("answer 1"));
}

TEST_F(LoginHelpTest, ControlCRefuses) {
  MemoryPeer& client = waiting(true);
  connector.ask(0, code());
  type(client, "1\x03");
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("no answer: the question that it asks was not answered"));
}

TEST_F(LoginHelpTest, WhoLeavesDoesNotAnswer) {
  MemoryPeer& client = waiting(true);
  connector.ask(0, code());
  client.deliver(close_message(0));
  ASSERT_EQ(connector.dials[0].answers.size(), 2u);
  EXPECT_THAT(connector.dials[0].answers[1], HasSubstr("was not answered"));
  connector.ask(0, code());  // with nobody there
  EXPECT_THAT(connector.dials[0].answers.back(), HasSubstr("has gone"));
}

TEST_F(LoginHelpTest, LendsTheClientsAgentToTheLogin) {
  MemoryPeer& client = waiting(true, true);
  EXPECT_TRUE(connector.dials[0].client.lends_agent);
  connector.want_agent(0);
  EXPECT_THAT(joined(take(client)), HasSubstr("OPEN auth-agent@openssh.com"));
  client.deliver(confirm_message(1, 9, 5000));
  ASSERT_THAT(connector.dials[0].answers, ElementsAre("agent"));
  auto& socket = connector.agents.sockets.at(0);
  socket.events->on_connected();
  socket.receive("list");
  EXPECT_THAT(joined(take(client)), HasSubstr("DATA 9 list"));
  client.deliver(data_message(1, "keys"));
  EXPECT_EQ(socket.written, "keys");
  connector.succeed(0);
  EXPECT_TRUE(client.transport_alive());
}

TEST_F(LoginHelpTest, AClientWithoutAnAgentSaysSo) {
  MemoryPeer& client = waiting(true, true);
  connector.want_agent(0);
  client.deliver(refuse_message(1, wire::OpenFailureReason::connect_failed, "no agent"));
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("no agent: the client has no agent"));
}

TEST_F(LoginHelpTest, AnAgentIsNotAskedForByAnotherSession) {
  waiting(true);
  EXPECT_FALSE(connector.dials[0].client.lends_agent);
  connector.want_agent(0);
  EXPECT_THAT(connector.dials[0].answers, ElementsAre("no agent: the client has not lent it to this channel"));
}

TEST_F(LoginHelpTest, ALateAgentGoesNowhere) {
  MemoryPeer& client = waiting(true, true);
  connector.want_agent(0);
  connector.fail(0, "target web1 refused the login", Errc::denied);
  client.deliver(confirm_message(1, 9, 5000));
  EXPECT_TRUE(connector.agents.sockets.empty());
  EXPECT_THAT(joined(take(client)), HasSubstr("CLOSE 9"));
}

/// A trunk whose login a person has answered serves the user's other connections only for so long.
class ReuseAfterMfaTest : public WorldTest {
 protected:
  explicit ReuseAfterMfaTest(Duration reuse = minutes(10)) : WorldTest(asking(reuse)) {}
  static Config asking(Duration reuse) {
    Config config = asking_config();
    for (Target* target : {&config.targets.at("web1"), &config.targets.at("web2")}) {
      target->credentials = {{Credential::Kind::keyboard_interactive, {}}};
      target->options.keepalive_interval = Duration(0);
      target->options.channels_per_trunk = 100;
    }
    config.targets.at("web1").options.reuse_after_mfa = reuse;
    config.targets.at("web2").via = "web1";
    return config;
  }
  void open(MemoryPeer& client, std::uint32_t ours, bool pty = true) {
    client.deliver(open_message(7 + ours, 100000));
    if (pty) client.deliver(pty_message(ours, "xterm", true));
    client.deliver(exec_message(ours, "true"));
  }
  static UpstreamQuestion code() { return {"", "", {{"Code: ", false}}}; }
  /// The login of that number asks, and that client answers; then it succeeds.
  MemoryPeer& answered(std::size_t dial, MemoryPeer& client, std::uint32_t ours) {
    connector.ask(dial, code());
    client.deliver(data_message(ours, "1"));
    client.deliver(data_message(ours, "\r"));
    return connector.succeed(dial);
  }
  bool got_open(MemoryPeer& server) { return joined(take(server)).find("OPEN") != std::string::npos; }
};

TEST_F(ReuseAfterMfaTest, OthersShareForSoLongAndWhoAnsweredGoesOn) {
  MemoryPeer& first = connect();
  open(first, 0);
  MemoryPeer& server = answered(0, first, 0);
  EXPECT_TRUE(got_open(server));
  server.deliver(confirm_message(0, 40, 1000));
  MemoryPeer& second = connect();
  open(second, 0);
  EXPECT_TRUE(got_open(server));
  server.deliver(confirm_message(1, 41, 1000));
  clock.advance(minutes(10));
  open(second, 1);
  EXPECT_FALSE(got_open(server));
  ASSERT_EQ(connector.dials.size(), 2u);
  connector.ask(1, code());
  EXPECT_THAT(joined(take(second)), HasSubstr("(web1) Code: "));
  open(first, 1);
  EXPECT_TRUE(got_open(server)) << "who has answered";
  EXPECT_EQ(channels().size(), 4u) << "what was open goes on";
}

TEST_F(ReuseAfterMfaTest, WhatWasAnsweredOnTheWayCounts) {
  MemoryPeer& first = connect("alice", "web2");
  open(first, 0);
  MemoryPeer& gate = answered(0, first, 0);
  gate.deliver(confirm_message(0, 40, 100000));
  ASSERT_EQ(connector.dials.size(), 2u);
  MemoryPeer& server = connector.succeed(1);
  EXPECT_TRUE(got_open(server));
  server.deliver(confirm_message(0, 40, 1000));
  clock.advance(minutes(11));
  MemoryPeer& second = connect("alice", "web2");
  open(second, 0);
  EXPECT_FALSE(got_open(server));
  ASSERT_EQ(connector.dials.size(), 3u);
  EXPECT_EQ(connector.dials[2].target.name, "web1") << "the way there is asked for anew";
  open(first, 1);
  EXPECT_TRUE(got_open(server));
}

TEST_F(ReuseAfterMfaTest, AQuestionWithoutPromptsAsksNobody) {
  MemoryPeer& first = connect();
  open(first, 0);
  connector.ask(0, {"", "Welcome.", {}});
  MemoryPeer& server = connector.succeed(0);
  take(server);
  server.deliver(confirm_message(0, 40, 1000));
  clock.advance(hours(1));
  open(connect(), 0);
  EXPECT_TRUE(got_open(server));
}

class NeverReusedAfterMfaTest : public ReuseAfterMfaTest {
 protected:
  NeverReusedAfterMfaTest() : ReuseAfterMfaTest(Duration(0)) {}
};

TEST_F(NeverReusedAfterMfaTest, EachConnectionAnswersForItself) {
  MemoryPeer& first = connect();
  MemoryPeer& second = connect();
  open(first, 0);
  open(second, 0);
  ASSERT_EQ(connector.dials.size(), 1u);
  MemoryPeer& server = answered(0, first, 0);
  EXPECT_TRUE(got_open(server));
  ASSERT_EQ(connector.dials.size(), 2u) << "who has waited asks for a login of its own";
  MemoryPeer& other = answered(1, second, 0);
  EXPECT_TRUE(got_open(other));
  EXPECT_FALSE(got_open(server));
}

TEST(MarkedLines, LeaveNoLineToTheTarget) {
  EXPECT_EQ(marked_lines("", "(t) ", 80), "(t) ");
  EXPECT_EQ(marked_lines("Code: ", "(t) ", 80), "(t) Code: ");
  EXPECT_EQ(marked_lines("a\nb\n\nc\n", "(t) ", 80), "(t) a\r\n(t) b\r\n(t) \r\n(t) c\r\n");
  EXPECT_EQ(marked_lines("a\r\rb\r\n", "(t) ", 80), "(t) ab\r\n");
  for (const std::size_t columns : {0U, 1U, 24U, 40U, 80U, 200U}) {
    const std::size_t width = columns < 24 ? 80 : columns;
    for (const std::string& text :
         {std::string(1000, 'x'), std::string(300, ' ') + "sallyport: Password: ", std::string(50, '\t') + "y"}) {
      std::string rest = marked_lines(text, "(t) ", columns) + "\r\n";
      while (!rest.empty()) {
        const std::string line = rest.substr(0, rest.find("\r\n"));
        rest.erase(0, line.size() + 2);
        EXPECT_EQ(line.substr(0, 4), "(t) ");
        std::size_t column = 0;
        for (const char c : line) column = c == '\t' ? (column / 8 + 1) * 8 : column + 1;
        EXPECT_LE(column, width) << columns;
      }
    }
    std::string wide;
    for (int i = 0; i < 200; ++i) wide += "\xe6\xbc\xa2";
    for (std::string rest = marked_lines(wide, "(t) ", columns) + "\r\n"; !rest.empty(); rest.erase(0, rest.find("\r\n") + 2))
      EXPECT_LE(4 + 2 * (rest.find("\r\n") - 4) / 3, width);
  }
}

/// Every way by which a target's words reach a client, with words that would take a terminal over or pass for ours.
class TargetsWordsTest : public WorldTest {
 protected:
  TargetsWordsTest() : WorldTest(hostile_config()) {}
  static Config hostile_config() {
    Config config = asking_config();
    config.targets.at("web1").options.local_forwarding = {"*"};
    config.targets.at("web2").via = "web1";
    return config;
  }
  static constexpr std::string_view kWords =
      "\x1b]0;x\x07\r\nsallyport: Password:\n\x1b[2J\x9b"
      "31m\xc2\x9b\xe2\x80\xae\x7f";
  void expect_harmless(MemoryPeer& client, std::string_view must_have) {
    std::string all;
    for (const Bytes& message : client.take()) {
      const std::string line = describe(message);
      if (line.starts_with("STDERR")) all += line.substr(line.find(' ', 7) + 1);
      if (line.starts_with("REFUSE")) all += line;
    }
    EXPECT_THAT(all, HasSubstr(std::string(must_have)));
    for (const char c : all) EXPECT_FALSE((static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n') || c == 0x7f) << all;
    for (const char* trick : {"\x9b", "\xc2\x9b", "\xe2\x80\xae", "\nsallyport: Password"})
      EXPECT_THAT(all, Not(HasSubstr(trick)));
    std::size_t lines = 0;
    for (std::size_t at = all.find("sallyport: Password"); at != std::string::npos; at = all.find("sallyport: Password", at + 1))
      ++lines;
    EXPECT_GE(lines, 1u) << "it has come here at all";
  }
};

TEST_F(TargetsWordsTest, OfARefusedSession) {
  for (const bool pty : {false, true}) {
    MemoryPeer& client = connect();
    client.deliver(open_message(7, 100000));
    if (pty) client.deliver(pty_message(0, "xterm", true));
    client.deliver(exec_message(0, "true"));
    MemoryPeer& server = pty ? connector.dials[0].server : connector.succeed(0);
    const std::string asked = joined(take(server));
    const auto number = static_cast<std::uint32_t>(std::stoul(asked.substr(asked.find("from=") + 5)));
    server.deliver(refuse_message(number, wire::OpenFailureReason::administratively_prohibited, kWords));
    expect_harmless(client, "refused the channel: ?]0;x? sallyport: Password: ?[2J?31m");
  }
}

TEST_F(TargetsWordsTest, OfARefusedForward) {
  MemoryPeer& client = connect();
  client.deliver(direct_tcpip_message(7, 100000, "db", 5432));
  connector.succeed(0).deliver(refuse_message(0, wire::OpenFailureReason::connect_failed, kWords));
  expect_harmless(client, "REFUSE 7 2 target web1 refused the channel: ?]0;x?");
}

TEST_F(TargetsWordsTest, OfATargetOnTheWay) {
  MemoryPeer& client = connect("alice", "web2");
  client.deliver(open_message(7, 100000));
  client.deliver(exec_message(0, "true"));
  connector.succeed(0).deliver(refuse_message(0, wire::OpenFailureReason::connect_failed, kWords));
  expect_harmless(client, "via web1: refused the channel: ?]0;x?");
}

TEST_F(TargetsWordsTest, OfALogin) {
  MemoryPeer& client = connect();
  client.deliver(open_message(7, 100000));
  client.deliver(pty_message(0, "xterm", true));
  client.deliver(exec_message(0, "true"));
  connector.ask(0, {std::string(kWords), std::string(kWords), {{std::string(kWords), true}, {std::string(kWords), true}}});
  client.deliver(data_message(0, "\r"));
  expect_harmless(client, "(web1) sallyport: Password:");
}

/// Descriptions and goodbyes of ours are lines, whatever they are made of.
TEST_F(TargetsWordsTest, OfAnythingElse) {
  MemoryPeer& client = connect();
  ASSERT_TRUE(end_connection(connections()[0].id, kWords));
  EXPECT_EQ(client.disconnected(), clean_line(kWords));
  EXPECT_THAT(*client.disconnected(), Not(HasSubstr("\n")));
}

TEST(CleanForTerminal, LeavesTextAndNothingElse) {
  EXPECT_EQ(clean_for_terminal("a\r\nb\tc"), "a\r\nb\tc");
  EXPECT_EQ(clean_for_terminal("\x1b[2J\x07\x7f"), "?[2J??");
  EXPECT_EQ(clean_for_terminal("gr\xc3\xbc\xc3\x9f\x65"), "gr\xc3\xbc\xc3\x9f\x65");
  EXPECT_EQ(clean_for_terminal("\xc2\x9b"
                               "31m"),
            "?31m");
}

TEST(CleanForTerminal, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(clean_for_terminal("\x9b"
                               "31m\x80\x9f"),
            "?31m??")
      << "C1 controls of one byte";
  EXPECT_EQ(clean_for_terminal("a\xc2"
                               "b\xff\xfe"
                               "c\xe2\x82"),
            "a?b??c??")
      << "cut off, or never a part of any";
  EXPECT_EQ(clean_for_terminal("\xc0\x9b\xc1\xbf\xe0\x80\x9b\xf0\x80\x82\x9b"),
            "???????"
            "????")
      << "longer than need be";
  EXPECT_EQ(clean_for_terminal("\xed\xa0\x80\xf4\x90\x80\x80\xf5\x80\x80\x80"),
            "???????"
            "????")
      << "no characters";
  EXPECT_EQ(clean_for_terminal("\xc2\n\xe2\x1b["), "?\r\n??[");
  const std::string good = "\xc2\xa0\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xe2\x82\xac\xf0\x9f\x94\x91\xf4\x8f\xbf\xbf";
  EXPECT_EQ(clean_for_terminal(good), good);
}

}  // namespace
}  // namespace sallyport::mux
