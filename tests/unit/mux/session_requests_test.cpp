// What is kept of what a client asks for before its program has an end.
#include "mux/session/session_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

namespace sallyport::mux {
namespace {

using Answer = PreparingRequest::Answer;
using route::Act;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::StrEq;

struct SessionRequestsTest : ::testing::Test {
  std::shared_ptr<Account> account = std::make_shared<Account>(4 * 1024 * 1024);
  SessionRequests requests{account};
};

TEST(ProgramOf, IsWhatTheRequestIsFor) {
  wire::SessionRequest exec = wire::Exec{"ls"};
  const auto command = program_of(exec, true);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->act, Act::exec);
  EXPECT_EQ(command->type(), "exec");
  EXPECT_EQ(command->argument, "ls");
  EXPECT_TRUE(command->want_reply);
  wire::SessionRequest shell = wire::Shell{};
  EXPECT_EQ(program_of(shell, false)->type(), "shell");
  wire::SessionRequest subsystem = wire::Subsystem{"sftp"};
  EXPECT_EQ(program_of(subsystem, false)->argument, "sftp");
  wire::SessionRequest other = wire::Signal{"HUP"};
  EXPECT_FALSE(program_of(other, false));
  EXPECT_EQ(ProgramRequest{}.type(), "") << "there is none";
}

TEST_F(SessionRequestsTest, KeepsInOrderWhoseAnswerIsOwed) {
  EXPECT_EQ(requests.keep(wire::Env{"A", "1"}, true), nullptr);
  EXPECT_EQ(requests.keep(PtyRequest{"xterm", {80, 24, 0, 0}, {}}, false), nullptr);
  EXPECT_EQ(requests.keep(wire::Env{"B", "2"}, false), nullptr);
  ASSERT_EQ(requests.preparing().size(), 3u);
  EXPECT_EQ(requests.preparing()[0].answer, Answer::owed);
  EXPECT_EQ(requests.preparing()[1].answer, Answer::unwanted);
  EXPECT_TRUE(std::holds_alternative<PtyRequest>(requests.preparing()[1].request));
  EXPECT_THAT(requests.variables(), ElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_GT(account->held(), 0u);
}

TEST_F(SessionRequestsTest, KeepsOneTerminalOneAgentAndOneDisplay) {
  const PtyRequest pty{"xterm", {80, 24, 0, 0}, {}};
  const wire::X11Request display{false, "MIT-MAGIC-COOKIE-1", "00ff", 0};
  EXPECT_EQ(requests.pty(), nullptr);
  EXPECT_EQ(requests.keep(pty, true), nullptr);
  EXPECT_EQ(requests.keep(wire::AgentRequest{}, true), nullptr);
  EXPECT_EQ(requests.keep(display, true), nullptr);
  EXPECT_TRUE(requests.agent());
  EXPECT_TRUE(requests.display());
  EXPECT_THAT(requests.keep(pty, true), StrEq("there is a terminal already"));
  EXPECT_THAT(requests.keep(wire::AgentRequest{}, true), StrEq("the agent has been lent already"));
  EXPECT_THAT(requests.keep(display, true), StrEq("the display has been lent already"));
  EXPECT_EQ(requests.preparing().size(), 3u);
}

TEST_F(SessionRequestsTest, RefusesWhatXauthWouldNotUnderstandAndWhatPreparesNothing) {
  EXPECT_THAT(requests.keep(wire::X11Request{false, "MIT", "$(reboot)", 0}, true), StrEq("not what xauth understands"));
  EXPECT_THAT(requests.keep(wire::Signal{"HUP"}, true), StrEq("nothing runs yet"));
  EXPECT_FALSE(requests.display());
}

TEST_F(SessionRequestsTest, IsBoundedInVariablesAndBytes) {
  for (std::size_t i = 0; i < SessionRequests::kMaximumVariables; ++i)
    ASSERT_EQ(requests.keep(wire::Env{"V" + std::to_string(i), ""}, false), nullptr) << i;
  EXPECT_NE(requests.keep(wire::Env{"MORE", ""}, false), nullptr);
  SessionRequests other{account};
  const std::string large(SessionRequests::kMaximumBytes / 2, 'x');
  EXPECT_EQ(other.keep(wire::Env{"A", large}, false), nullptr);
  EXPECT_NE(other.keep(wire::Env{"B", large}, false), nullptr) << "its name and lengths count as well";
}

TEST_F(SessionRequestsTest, KeepsOnlyTheLastSizeBehindTheProgram) {
  EXPECT_TRUE(requests.add_later(WindowDimensions{80, 24, 0, 0}, false));
  EXPECT_TRUE(requests.add_later(wire::Signal{"HUP"}, false));
  EXPECT_TRUE(requests.add_later(WindowDimensions{132, 50, 0, 0}, false));
  EXPECT_TRUE(requests.add_later(WindowDimensions{100, 40, 0, 0}, true)) << "is owed an answer of its own";
  const auto later = requests.take_later();
  ASSERT_EQ(later.size(), 3u);
  EXPECT_EQ(std::get<WindowDimensions>(later[0].request).columns, 132u);
  EXPECT_EQ(std::get<wire::Signal>(later[1].request).name, "HUP");
  EXPECT_TRUE(later[2].want_reply);
  for (std::size_t i = 0; i < SessionRequests::kMaximumLater; ++i)
    ASSERT_TRUE(requests.add_later(wire::Signal{"HUP"}, false)) << i;
  EXPECT_FALSE(requests.add_later(wire::Signal{"HUP"}, false));
}

TEST_F(SessionRequestsTest, ASizeChangesTheTerminalThatIsKept) {
  requests.resize({132, 50, 0, 0});
  EXPECT_EQ(requests.pty(), nullptr) << "without one it means nothing";
  ASSERT_EQ(requests.keep(PtyRequest{"xterm", {80, 24, 0, 0}, {}}, false), nullptr);
  requests.resize({132, 50, 0, 0});
  EXPECT_EQ(requests.pty()->dimensions.columns, 132u);
  EXPECT_EQ(std::get<PtyRequest>(requests.preparing()[0].request).dimensions.rows, 50u);
}

}  // namespace
}  // namespace sallyport::mux
