// Passwords and questions: what becomes of an attempt, and when the client is told.
#include "entrance.hpp"

namespace sallyport::entry {
namespace {

class LoginAttemptTest : public LoginTest {
 protected:
  LoginAttemptTest() : LoginTest(entrance_config({"password", "keyboard-interactive"})) {
    begin();
    client().take();
  }
  std::string refusal() const {
    const std::string line = line_with("authentication refused");
    return line.substr(line.find("method="));
  }
};

TEST_F(LoginAttemptTest, ARefusalWaitsForTheDelay) {
  client().request(password_of("wrong"));
  clock.advance(Duration(300));
  check().refuse("wrong password");
  EXPECT_EQ(refusal(), "method=password reason=\"wrong password\"");
  clock.advance(Duration(699));
  EXPECT_THAT(client().take(), IsEmpty());
  clock.advance(Duration(1));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
}

TEST_F(LoginAttemptTest, ARefusalThatHasTakenLongerWaitsForNothing) {
  client().request(password_of("wrong"));
  clock.advance(seconds(5));
  check().refuse("wrong password");
  clock.turn();
  EXPECT_THAT(client().take(), ElementsAre("reject"));
}

TEST_F(LoginAttemptTest, NamesThatAreNoneWaitAsWell) {
  client().request(password_of("secret", "server.bak"));
  EXPECT_THAT(refusal(), HasSubstr("reason=\"the user name is that of a file left behind\""));
  EXPECT_THAT(client().take(), IsEmpty());
  clock.advance(config->auth.failure_delay);
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_THAT(check().take(), IsEmpty());
}

TEST_F(LoginAttemptTest, SomebodyHasToLookWhenNobodyCouldTell) {
  client().request(password_of("secret"));
  check().fail("the file can't be read");
  EXPECT_EQ(line_with("unavailable"), "conn=c1 password unavailable reason=\"the file can\\'t be read\"");
  EXPECT_EQ(refusal(), "method=password reason=\"the file can\\'t be read\"");
  clock.advance(config->auth.failure_delay);
  EXPECT_THAT(client().take(), ElementsAre("reject"));
}

TEST_F(LoginAttemptTest, QuestionsGoToTheClientAndAnswersBack) {
  client().request(request_of("keyboard-interactive"));
  check().ask("Password: ");
  client().answer({"secret"});
  check().events->on_questions({{}, "Hello", {{"Code: ", true}, {"PIN: ", false}}});
  client().answer({"123456", "0000"});
  EXPECT_THAT(client().take(), ElementsAre("ask [Password: ]", "ask Hello [Code: ] [PIN: ]"));
  EXPECT_THAT(check().take(), ElementsAre("attempt alice", "answer secret", "answer 123456 0000"));
}

TEST_F(LoginAttemptTest, TheDelayCountsFromTheLastWord) {
  client().request(request_of("keyboard-interactive"));
  check().ask("Password: ");
  clock.advance(seconds(30));
  client().answer({"wrong"});
  client().take();
  check().refuse("wrong password");
  clock.advance(Duration(999));
  EXPECT_THAT(client().take(), IsEmpty());
  clock.advance(Duration(1));
  EXPECT_THAT(client().take(), ElementsAre("reject"));
}

TEST_F(LoginAttemptTest, AnswersToNothingAreRefused) {
  client().answer({"secret"});
  EXPECT_THAT(client().take(), ElementsAre("reject"));
  EXPECT_THAT(check().take(), IsEmpty());
}

TEST_F(LoginAttemptTest, AnotherRequestGivesTheAttemptUp) {
  client().request(request_of("keyboard-interactive"));
  check().ask("Password: ");
  client().request(password_of("secret"));
  EXPECT_THAT(check().take(), ElementsAre("attempt alice", "given up", "attempt alice password=secret"));
  EXPECT_EQ(refusal(), "method=keyboard-interactive reason=\"the client gave it up\"");
}

TEST_F(LoginAttemptTest, GoingBehindAnAnswerIsARefusal) {
  client().request(request_of("keyboard-interactive"));
  check().ask("Password: ");
  client().answer({"perhaps"});
  check().take();
  client().fail(Errc::closed, "closed by peer");
  EXPECT_THAT(check().take(), ElementsAre("given up"));
  EXPECT_EQ(refusal(), "method=keyboard-interactive reason=\"the client gave it up\"");
  EXPECT_THAT(ends, ElementsAre("failed authentication"));
}

TEST_F(LoginAttemptTest, GoingWithoutAnAnswerIsNone) {
  client().request(request_of("keyboard-interactive"));
  check().ask("Password: ");
  client().fail(Errc::closed, "closed by peer");
  EXPECT_FALSE(log.has("authentication refused"));
  EXPECT_THAT(ends, ElementsAre("no authentication"));
}

TEST_F(LoginAttemptTest, AnExpiredPasswordIsChanged) {
  client().request(password_of("old"));
  check().events->on_password_change("Your password has expired.");
  UserauthRequest change = password_of("old");
  change.new_password = std::make_shared<const SecretString>("new");
  client().request(change);
  EXPECT_THAT(client().take(), ElementsAre("ask new password: Your password has expired."));
  EXPECT_THAT(check().take(), ElementsAre("attempt alice password=old", "answer old new"));
  check().accept();
  EXPECT_THAT(check().take(), ElementsAre("session alice"));
}

TEST_F(LoginAttemptTest, ANewPasswordThatNobodyAskedForChangesNothing) {
  UserauthRequest change = password_of("old");
  change.new_password = std::make_shared<const SecretString>("new");
  client().request(change);
  EXPECT_THAT(check().take(), IsEmpty());
  EXPECT_EQ(refusal(), "method=password reason=\"nobody has asked for a new password\"");
  clock.advance(config->auth.failure_delay);
  EXPECT_THAT(client().take(), ElementsAre("reject"));
}

TEST_F(LoginAttemptTest, WhoDoesntChangeItHasGivenUp) {
  client().request(password_of("old"));
  check().events->on_password_change("Your password has expired.");
  client().request(password_of("old"));
  EXPECT_THAT(check().take(), ElementsAre("attempt alice password=old", "given up", "attempt alice password=old"));
}

TEST_F(LoginAttemptTest, TextsAreShown) {
  client().request(password_of("secret"));
  check().events->on_text("You have mail.");
  EXPECT_THAT(client().take(), ElementsAre("show You have mail."));
}

TEST_F(LoginAttemptTest, ThePasswordIsKeptOnlyForATargetThatWantsIt) {
  client().request(password_of("secret"));
  check().accept(false, "secret");
  check().open();
  client().log_in();
  EXPECT_EQ(admitted()->password, nullptr);

  Config wants = entrance_config({"password"});
  wants.targets["shell"].credentials = {Credential{Credential::Kind::password, {}}};
  reload(wants);
  begin({ConnectionId{2}, {"192.0.2.1", 50001}, {}, {}, "192.0.2.1/32"});
  client().request(password_of("secret"));
  check().accept(false, "secret");
  check().open();
  client().log_in();
  ASSERT_NE(hub.client(ConnectionId{2})->password, nullptr);
  EXPECT_EQ(hub.client(ConnectionId{2})->password->view(), "secret");
  for (const std::string& line : log.lines()) EXPECT_THAT(line, ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace sallyport::entry
