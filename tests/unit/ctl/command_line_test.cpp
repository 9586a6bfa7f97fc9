#include "ctl/command_line.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../control/fake_daemon.hpp"
#include "control/server.hpp"
#include "fakes/loop_fixture.hpp"
#include "fakes/memory_logger.hpp"
#include "journal/fact_journal.hpp"

namespace sallyport::ctl {
namespace {

using testing::HasSubstr;

class CommandLineTest : public test::LoopTest {
 protected:
  CommandLineTest() {
    folder_ = (std::filesystem::temp_directory_path() / "sallyport-ctl-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
    socket_ = folder_ + "/control.sock";
  }
  ~CommandLineTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Runs sallyportctl with -s and the arguments.
  Exit ctl(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"sallyportctl", "-s", socket_.c_str()});
    std::ostringstream out;
    std::ostringstream err;
    const Exit status = run(static_cast<int>(arguments.size()), arguments.data(), "1.2.3", out, err);
    out_ = out.str();
    err_ = err.str();
    return status;
  }

  /// The same on a thread, while the loop runs a server here.
  Exit ctl_with_server(std::vector<const char*> arguments) {
    auto server = control::Server::open(loop_, clock_, socket_, handler_, log_);
    EXPECT_TRUE(server);
    Exit status = Exit::usage;
    bool done = false;
    std::thread client([&] {
      const Exit result = ctl(std::move(arguments));
      loop_.post([&status, &done, result] {
        status = result;
        done = true;
      });
    });
    EXPECT_TRUE(run_until([&] { return done; }));
    client.join();
    return status;
  }

  std::string folder_;
  std::string socket_;
  std::string out_;
  std::string err_;
  control::FakeDaemon daemon_;
  fakes::MemoryLogger log_;
  journal::FactJournal journal_{{}};
  control::RequestHandler handler_{daemon_, daemon_, clock_, journal_};
};

TEST_F(CommandLineTest, ShowsTables) {
  daemon_.connections_.resize(1);
  EXPECT_EQ(ctl_with_server({"connections"}), Exit::ok) << err_;
  EXPECT_THAT(out_, HasSubstr("ID  USER"));
  EXPECT_EQ(err_, "");
}

TEST_F(CommandLineTest, PrintsJsonWhereverTheOptionStands) {
  EXPECT_EQ(ctl_with_server({"trunks", "--json"}), Exit::ok);
  EXPECT_EQ(out_, "[]\n");
}

TEST_F(CommandLineTest, FailsWithTheDaemonsReason) {
  EXPECT_EQ(ctl_with_server({"kill", "c100"}), Exit::failure);
  EXPECT_EQ(err_, "sallyportctl: no connection c100\n");
  EXPECT_EQ(ctl_with_server({"exit", "web9"}), Exit::failure);
  EXPECT_EQ(err_, "sallyportctl: no trunk to target \"web9\"\n");
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLineTest, ForwardsTheQueryOfExplain) {
  EXPECT_EQ(ctl_with_server({"explain", "user=alice,target=web1"}), Exit::ok);
  EXPECT_THAT(out_, HasSubstr("asked: user=alice,target=web1\n"));
}

TEST_F(CommandLineTest, TimesOut) {
  // The fake never answers a reload.
  EXPECT_EQ(ctl_with_server({"--timeout", "1", "reload"}), Exit::failure);
  EXPECT_THAT(err_, HasSubstr("did not answer in time"));
}

TEST_F(CommandLineTest, SaysThatNoDaemonRuns) {
  EXPECT_EQ(ctl({"status"}), Exit::failure);
  EXPECT_THAT(err_, HasSubstr("is sallyportd running?"));
}

TEST_F(CommandLineTest, SaysThatPermissionIsDenied) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may do everything";
  ASSERT_EQ(::chmod(folder_.c_str(), 0), 0);
  EXPECT_EQ(ctl({"status"}), Exit::failure);
  EXPECT_THAT(err_, HasSubstr("permission denied"));
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
}

TEST_F(CommandLineTest, TellsUsageFromFailure) {
  EXPECT_EQ(ctl({}), Exit::usage);
  EXPECT_EQ(ctl({"forward"}), Exit::usage);
  EXPECT_EQ(ctl({"kill"}), Exit::usage);
  EXPECT_EQ(ctl({"stop"}), Exit::usage);
  EXPECT_EQ(ctl({"status", "--user", "alice"}), Exit::usage);
  EXPECT_EQ(ctl({"status", "extra"}), Exit::usage);
  EXPECT_EQ(ctl({"--timeout", "0", "status"}), Exit::usage);
  EXPECT_EQ(ctl({"--timeout", "soon", "status"}), Exit::usage);
}

TEST_F(CommandLineTest, RepeatsWhatItDoesNotUnderstandAndSuggestsTheNearest) {
  const auto complaint = [this](std::vector<const char*> arguments) {
    EXPECT_EQ(ctl(std::move(arguments)), Exit::usage);
    EXPECT_EQ(out_, "");
    return err_;
  };
  EXPECT_EQ(complaint({"statsu"}), "sallyportctl: there is no verb \"statsu\"; did you mean \"status\"?\n");
  EXPECT_EQ(complaint({"hash-pasword"}), "sallyportctl: there is no verb \"hash-pasword\"; did you mean \"hash-password\"?\n");
  EXPECT_EQ(complaint({"fly", "away"}), "sallyportctl: there is no verb \"fly\"\n");
  EXPECT_EQ(complaint({}), "sallyportctl: which verb? --help lists them\n");
  EXPECT_EQ(complaint({"connections", "--user", "x"}), "sallyportctl: connections doesn't take --user x\n");
  EXPECT_EQ(complaint({"status", "a", "b"}), "sallyportctl: status doesn't take a b\n");
  EXPECT_THAT(complaint({"stop"}), HasSubstr("sallyportctl: TARGET is required\n"));
  EXPECT_THAT(complaint({"--timeout", "soon", "status"}), HasSubstr("sallyportctl: "));
}

TEST_F(CommandLineTest, TellsATargetThatIsNotThereFromOneWithoutTrunks) {
  for (const char* verb : {"stop", "exit", "renew", "check", "scan"}) {
    if (verb != std::string_view("scan")) {
      EXPECT_EQ(ctl_with_server({verb, "web9"}), Exit::failure);
      EXPECT_EQ(err_, "sallyportctl: no trunk to target \"web9\"\n") << verb;
    }
    EXPECT_EQ(ctl_with_server({verb, "wbe1"}), Exit::failure);
    EXPECT_EQ(err_, "sallyportctl: there is no target \"wbe1\"; did you mean \"web1\"?\n") << verb;
  }
}

TEST_F(CommandLineTest, TheHelpOfAVerbIsAboutItself) {
  EXPECT_EQ(ctl({"stop", "--help"}), Exit::ok);
  EXPECT_THAT(out_, HasSubstr("Only the trunks of this user"));
  EXPECT_THAT(out_, HasSubstr("-s SOCKET, --json and --timeout SECONDS"));
  EXPECT_THAT(out_, testing::Not(HasSubstr("scan")));
  EXPECT_THAT(out_, testing::Not(HasSubstr("Examples")));
  EXPECT_EQ(ctl({"--help"}), Exit::ok);
  EXPECT_THAT(out_, HasSubstr("VERB"));
  EXPECT_THAT(out_, testing::Not(HasSubstr("SUBCOMMAND")));
  EXPECT_EQ(ctl({"explain", "--help"}), Exit::ok);
  for (const char* key : {"mfa=", "time=", "request=", "destination=", "subsystem="}) EXPECT_THAT(out_, HasSubstr(key));
}

TEST_F(CommandLineTest, HelpAndVersionSucceed) {
  EXPECT_EQ(ctl({"--help"}), Exit::ok);
  EXPECT_THAT(out_, HasSubstr("Exit status:"));
  EXPECT_EQ(ctl({"--version"}), Exit::ok);
  EXPECT_EQ(out_, "sallyportctl 1.2.3\n");
}

}  // namespace
}  // namespace sallyport::ctl
