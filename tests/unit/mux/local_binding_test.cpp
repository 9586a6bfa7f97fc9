// What is started on the bastion for a client's program.
#include "mux/session/local_binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sallyport::mux {
namespace {

using route::Act;
using ::testing::ElementsAre;
using ::testing::Pair;

struct LocalBindingTest : ::testing::Test {
  LocalBindingTest() {
    target.name = "shell";
    target.local.shell = {"/bin/sh"};
    target.local.subsystems["sftp"] = {"/usr/lib/sftp-server", "-e"};
    target.local.user = "guest";
    target.local.accept_environment = {"LC_*"};
    client.user = "alice";
    client.source = {"192.0.2.7", 40000};
    client.local = {"192.0.2.1", 22};
  }
  ProcessSpec spec(Act act, std::string argument = {}) {
    return process_spec(target, client, {act, std::move(argument), true}, running, requests);
  }

  ResolvedTarget target;
  Admission client;
  route::Program running;
  SessionRequests requests{std::make_shared<Account>(1024 * 1024)};
};

TEST_F(LocalBindingTest, AShellIsALoginShell) {
  const ProcessSpec started = spec(Act::shell);
  EXPECT_THAT(started.argv, ElementsAre("/bin/sh"));
  EXPECT_EQ(started.argv0, "-sh");
  EXPECT_EQ(started.user, "guest");
  EXPECT_EQ(started.client, "alice");
  EXPECT_EQ(started.login->source, "192.0.2.7");
}

TEST_F(LocalBindingTest, ACommandIsTheShellsToRead) {
  const ProcessSpec started = spec(Act::exec, "ls -l; true");
  EXPECT_THAT(started.argv, ElementsAre("/bin/sh", "-c", "ls -l; true"));
  EXPECT_EQ(started.argv0, "");
}

TEST_F(LocalBindingTest, ASubsystemIsTheConfiguredCommand) {
  EXPECT_TRUE(has_program(target.local, {Act::subsystem, "sftp", true}));
  EXPECT_FALSE(has_program(target.local, {Act::subsystem, "netconf", true}));
  EXPECT_TRUE(has_program(target.local, {Act::exec, "netconf", true}));
  EXPECT_THAT(spec(Act::subsystem, "sftp").argv, ElementsAre("/usr/lib/sftp-server", "-e"));
}

TEST_F(LocalBindingTest, OnlyVariablesThatAreAcceptedGetThere) {
  EXPECT_TRUE(accepts(target.local, wire::Env{"LC_ALL", "C"}));
  EXPECT_FALSE(accepts(target.local, wire::Env{"PATH", "/tmp"}));
  EXPECT_TRUE(accepts(target.local, wire::AgentRequest{})) << "is no variable";
  ASSERT_EQ(requests.keep(wire::Env{"LC_ALL", "C"}, false), nullptr);
  ASSERT_EQ(requests.keep(wire::Env{"PATH", "/tmp"}, false), nullptr);
  EXPECT_THAT(spec(Act::shell).environment, ElementsAre(Pair("LC_ALL", "C"), Pair("SSH_CLIENT", "192.0.2.7 40000 22"),
                                                        Pair("SSH_CONNECTION", "192.0.2.7 40000 192.0.2.1 22")));
}

TEST_F(LocalBindingTest, WhatTheBastionSetsComesBehindTheClientsOwn) {
  ASSERT_EQ(requests.keep(wire::Env{"LC_ALL", "client"}, false), nullptr);
  target.local.environment = {{"LC_ALL", "target"}};
  client.grant.environment = {{"LC_ALL", "key"}};
  running.original = "asked for";
  const ProcessSpec started = spec(Act::exec, "forced");
  ASSERT_GE(started.environment.size(), 4u);
  EXPECT_THAT(std::vector(started.environment.begin(), started.environment.begin() + 4),
              ElementsAre(Pair("LC_ALL", "client"), Pair("LC_ALL", "target"), Pair("LC_ALL", "key"),
                          Pair("SSH_ORIGINAL_COMMAND", "asked for")));
}

TEST_F(LocalBindingTest, TheTerminalHasTheSizeThatItHasByNow) {
  EXPECT_FALSE(spec(Act::shell).pty);
  ASSERT_EQ(requests.keep(PtyRequest{"xterm", {80, 24, 0, 0}, {}}, false), nullptr);
  requests.resize({132, 50, 0, 0});
  const ProcessSpec started = spec(Act::shell);
  ASSERT_TRUE(started.pty);
  EXPECT_EQ(started.pty->term, "xterm");
  EXPECT_EQ(started.pty->dimensions.columns, 132u);
  EXPECT_EQ(started.pty->dimensions.rows, 50u);
}

}  // namespace
}  // namespace sallyport::mux
