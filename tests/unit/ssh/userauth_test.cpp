// Passwords, questions and several methods in a row, with libssh's client against our server.
#include <libssh/libssh.h>

#include <optional>
#include <string>
#include <vector>

#include "scripted_client.hpp"

namespace sallyport::ssh::test {
namespace {

using Method = UserauthRequest::Method;
using Texts = std::vector<std::string>;

class UserauthTest : public SshTest {
 protected:
  UserauthTest() { options_.methods = {"publickey", "password", "keyboard-interactive"}; }

  /// Runs until the server has let the client in or has given it up.
  void run(ScriptedClient::Script script) {
    listen(options_);
    client_.emplace(*io_, plain_socket(), std::move(script));
    ASSERT_TRUE(run_until([this] { return !servers_.empty() && (servers_[0]->failed || servers_[0]->logged_in); }));
    if (servers_[0]->log.transport) servers_[0]->log.transport.reset();
    client_->connection.reset();
  }
  const ServerSide& server() const { return *servers_[0]; }
  std::string failure() const { return server().failed ? server().failed->detail : std::string(); }

  ServerOptions options_;
  std::optional<ScriptedClient> client_;
};

/// Asks with a password until there is an answer.
int password(ScriptedClient& client, const char* text) {
  return ssh_userauth_password(client.connection->session(), nullptr, text);
}

TEST_F(UserauthTest, APasswordIsDecidedOn) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    EXPECT_EQ(request.method, Method::password);
    EXPECT_FALSE(request.new_password);
    request.password->view() == "right" ? connection.accept() : connection.reject();
  };
  run([](ScriptedClient& client) {
    if (client.step == 0 && password(client, "wrong") == SSH_AUTH_DENIED) client.step = 1;
    if (client.step == 1) static_cast<void>(password(client, "right"));
  });
  EXPECT_TRUE(server().logged_in) << failure();
  EXPECT_EQ(server().requests.size(), 2U);
}

TEST_F(UserauthTest, APartialSuccessNamesWhatIsLeft) {
  int list = 0;
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    if (request.method == Method::keyboard_interactive) return connection.accept();
    connection.can_continue({"keyboard-interactive"});
    connection.pass();
  };
  run([&list](ScriptedClient& client) {
    if (client.step == 0 && password(client, "right") == SSH_AUTH_PARTIAL) {
      client.step = 1;
      list = ssh_userauth_list(client.connection->session(), nullptr);
    }
    if (client.step == 1) static_cast<void>(ssh_userauth_kbdint(client.connection->session(), nullptr, nullptr));
  });
  EXPECT_TRUE(server().logged_in) << failure();
  EXPECT_EQ(list, SSH_AUTH_METHOD_INTERACTIVE);
}

TEST_F(UserauthTest, QuestionsGoInRoundsAndOneMayHaveNone) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    EXPECT_EQ(request.method, Method::keyboard_interactive);
    connection.ask({"A name", "Tell me", {{"Password: ", false}, {"Colour: ", true}}});
  };
  decide_answers_ = [this](DownstreamConnection& connection, const Texts&) {
    if (servers_[0]->answers.size() == 1) return connection.ask({"", "Nearly there", {}});
    if (servers_[0]->answers.size() == 2) return connection.ask({"", "", {{"Code: ", false}}});
    connection.accept();
  };
  Texts seen;
  run([&seen](ScriptedClient& client) {
    ssh_session session = client.connection->session();
    int rc = SSH_AUTH_AGAIN;
    while ((rc = ssh_userauth_kbdint(session, nullptr, nullptr)) == SSH_AUTH_INFO) {
      seen.emplace_back(ssh_userauth_kbdint_getinstruction(session));
      for (int i = 0; i < ssh_userauth_kbdint_getnprompts(session); ++i) {
        char echo = 2;
        seen.emplace_back(ssh_userauth_kbdint_getprompt(session, static_cast<unsigned>(i), &echo));
        seen.back() += echo != 0 ? "(echo)" : "";
        const std::string answer = "answer " + std::to_string(i);
        EXPECT_EQ(ssh_userauth_kbdint_setanswer(session, static_cast<unsigned>(i), answer.c_str()), 0);
      }
    }
  });
  EXPECT_TRUE(server().logged_in) << failure();
  EXPECT_EQ(seen, (Texts{"Tell me", "Password: ", "Colour: (echo)", "Nearly there", "", "Code: "}));
  EXPECT_EQ(server().answers, (std::vector<Texts>{{"answer 0", "answer 1"}, {}, {"answer 0"}}));
}

// Sends `packet` once the server has asked its first question.
ScriptedClient::Script after_the_question(Bytes packet) {
  return [packet = std::move(packet)](ScriptedClient& client) {
    if (client.step != 0) return;
    if (ssh_userauth_kbdint(client.connection->session(), nullptr, nullptr) != SSH_AUTH_INFO) return;
    client.step = 1;
    client.connection->send_login_message(packet);
  };
}

class QuestionTest : public UserauthTest {
 protected:
  QuestionTest() {
    options_.max_auth_tries = 2;
    decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
      if (request.method != Method::keyboard_interactive) return connection.reject();
      connection.ask({"", "", {{"Password: ", false}}});
    };
    decide_answers_ = [](DownstreamConnection& connection, const Texts& answers) {
      answers.size() == 1 ? connection.accept() : connection.disconnect(DisconnectReason::by_application, "wrong number");
    };
  }
};

TEST_F(QuestionTest, AWrongNumberOfAnswersIsToldAsItCame) {
  run(after_the_question(Bytes{61, 0, 0, 0, 0}));
  EXPECT_FALSE(server().logged_in);
  EXPECT_EQ(server().answers, std::vector<Texts>{{}});
}

TEST_F(QuestionTest, AMalformedAnswerEndsTheConnection) {
  for (const Bytes& packet : {Bytes{61}, Bytes{61, 0, 0, 0, 1}, Bytes{61, 0, 0, 0, 1, 0, 0, 0, 9, 'x'}, Bytes{61, 0, 0, 0, 65}}) {
    servers_.clear();
    run(after_the_question(packet));
    EXPECT_FALSE(server().logged_in);
    EXPECT_NE(failure().find("malformed"), std::string::npos) << failure();
    EXPECT_TRUE(server().answers.empty());
  }
}

TEST_F(QuestionTest, ANewRequestGivesTheQuestionsUpAndThatCountsAsATry) {
  Bytes password = userauth_request("alice", "ssh-connection", "password");
  password.push_back(0);
  put(password, "wrong");
  run(after_the_question(password));  // the second of two tries
  EXPECT_FALSE(server().logged_in);
  EXPECT_EQ(server().failed->code, Errc::denied);
  ASSERT_EQ(server().requests.size(), 2U);
}

TEST_F(QuestionTest, AskingAgainAndAgainEnds) {
  run([](ScriptedClient& client) {
    if (!service_asked(client)) return;
    Bytes request = userauth_request("alice", "ssh-connection", "keyboard-interactive");
    put(request, "");
    put(request, "");
    for (int i = 0; i < 5; ++i) client.connection->send_login_message(request);
  });
  EXPECT_FALSE(server().logged_in);
  EXPECT_EQ(server().failed->code, Errc::denied);
  EXPECT_EQ(server().requests.size(), 2U);
}

TEST_F(UserauthTest, AnAnswerWithoutAQuestionEndsTheConnection) {
  for (const bool in_a_request : {false, true}) {
    servers_.clear();
    decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.reject(); };
    run([in_a_request](ScriptedClient& client) {
      if (!service_asked(client)) return;
      if (in_a_request) {
        client.connection->send_login_message(userauth_request("alice", "ssh-connection", "none"));
      }
      Bytes response{61, 0, 0, 0, 1};
      put(response, "right");
      client.connection->send_login_message(response);
    });
    EXPECT_FALSE(server().logged_in);
    EXPECT_TRUE(server().answers.empty());
  }
}

TEST_F(UserauthTest, NoneAndUnknownMethodsCannotBeAccepted) {
  options_.max_auth_tries = 1;
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    request.method == Method::none ? connection.pass() : connection.accept();
  };
  run([](ScriptedClient& client) {
    if (!service_asked(client)) return;
    // Nobody is asked about the one that a client begins with.
    client.connection->send_login_message(userauth_request("alice", "ssh-connection", "none"));
    client.connection->send_login_message(userauth_request("alice", "ssh-connection", "none"));
    client.connection->send_login_message(userauth_request("alice", "ssh-connection", "hostbased"));
  });
  EXPECT_FALSE(server().logged_in);
  EXPECT_EQ(server().failed->code, Errc::denied);
  ASSERT_EQ(server().requests.size(), 2U);
  EXPECT_EQ(server().requests[0].method, Method::none);
  EXPECT_EQ(server().requests[1].method, Method::other);
  EXPECT_EQ(server().requests[1].method_name, "hostbased");
}

// That we ask for it is seen with OpenSSH's client (tests/integration): libssh's ends when it is asked.
TEST_F(UserauthTest, APasswordThatIsToBeChangedBringsTheNewOne) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    ASSERT_TRUE(request.new_password);
    EXPECT_EQ(request.password->view(), "old");
    EXPECT_EQ(request.new_password->view(), "new");
    connection.accept();
  };
  run([](ScriptedClient& client) {
    if (!service_asked(client)) return;
    Bytes change = userauth_request("alice", "ssh-connection", "password");
    change.push_back(1);
    put(change, "old");
    put(change, "new");
    client.connection->send_login_message(change);
  });
  ASSERT_EQ(server().requests.size(), 1U);
}

}  // namespace
}  // namespace sallyport::ssh::test
