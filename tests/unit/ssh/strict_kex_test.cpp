// The first exchange of keys with a peer that adds a message to it. With the marker of the strict exchange (OpenSSH's
// PROTOCOL, 1.10) there is no room for one; without, what RFC 4253 lets be said at any time may be said.
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "raw_exchange.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

class StrictKexTest : public SshTest {
 protected:
  // Our server, and a client that follows the script.
  Outcome serve(bool strict, const Script& script) {
    servers_.clear();
    net::Fd fd{plain_socket()};
    const Outcome outcome = in_thread([&] {
      RawPeer::Manners client = manners(RawPeer::Role::client, strict);
      if (!kex_names_.empty()) client.kex_names = kex_names_;
      RawPeer peer{std::move(fd), RawPeer::Role::client, client};
      return Exchange{peer, script}.as_client();
    });
    EXPECT_TRUE(run_until([this] { return servers_[0]->failed || servers_[0]->logged_in; }));
    EXPECT_EQ(servers_[0]->logged_in, outcome.logged_in);
    return outcome;
  }

  // Our client, at a server that follows the script.
  Outcome visit(bool strict, const Script& script) {
    client_ = {};
    ClientOptions options = client_options();
    options.algorithms.require_strict_kex = requires_strict_;
    if (asks_) {
      options.credentials = {{Credential::Kind::keyboard_interactive, ""}};
      client_.answer = [](UpstreamAnswers& to, const UpstreamQuestion& question) {
        std::vector<SecretString> answers;
        for (std::size_t i = 0; i < question.prompts.size(); ++i) answers.emplace_back("an answer");
        to.answer(std::move(answers));
      };
    }
    connect(options);
    Outcome outcome = in_thread([&] {
      RawPeer peer{net::Fd{::accept(socket_.get(), nullptr, nullptr)}, RawPeer::Role::server,
                   manners(RawPeer::Role::server, strict)};
      return Exchange{peer, script}.as_server();
    });
    EXPECT_TRUE(run_until([this] { return client_.failed || client_.connected; }));
    // What the server has said last it may have said in vain.
    outcome.left = outcome.left || client_.failed.has_value();
    outcome.logged_in = outcome.logged_in && client_.connected;
    return outcome;
  }

  void listen_for_client() {
    socket_ = net::Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(socket_.get(), 4), 0);
    ASSERT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    folder_.write("known_hosts", "[127.0.0.1]:" + std::to_string(port_) + " " + RawPeer::host_key_line() + "\n");
  }

  Outcome in_thread(const std::function<Outcome()>& play) {
    Outcome outcome;
    bool done = false;
    const auto work = loop_.work([&] { outcome = play(); }, [&] { done = true; });
    EXPECT_TRUE(run_until([&done] { return done; }));
    return outcome;
  }

  net::Fd socket_;
  std::string kex_names_;         // of clients; empty: the usual ones
  bool requires_strict_ = false;  // our client
  bool asks_ = false;             // the target asks the person at our client
};

std::string named(Place place, int type) {
  return "type " + std::to_string(type) + " at place " + std::to_string(static_cast<int>(place));
}

TEST_F(StrictKexTest, AClientThatAddsNothingGetsIn) {
  listen();
  for (const bool strict : {false, true}) EXPECT_TRUE(serve(strict, {}).logged_in);
}

TEST_F(StrictKexTest, ATargetThatAddsNothingIsLoggedInAt) {
  listen_for_client();
  for (const bool strict : {false, true}) EXPECT_TRUE(visit(strict, {}).logged_in);
}

TEST_F(StrictKexTest, WhatAClientAddsEndsTheConnectionAtOnce) {
  listen();
  for (const Place place : kPlaces) {
    for (int type = 0; type < kTypes; ++type) {
      if (place == Place::before_kexinit && type == kKexinit) continue;
      if (place == Place::after_kexinit && type == kEcdhInit) continue;
      if (place == Place::before_newkeys && type == kNewKeys) continue;
      const Outcome outcome = serve(true, {.place = place, .added = message_of_type(type), .stops = true});
      ASSERT_TRUE(outcome.left) << named(place, type);
      ASSERT_EQ(outcome.replies, place == Place::before_newkeys ? 1 : 0) << named(place, type);
    }
  }
}

TEST_F(StrictKexTest, WhatATargetAddsEndsTheConnectionAtOnce) {
  listen_for_client();
  for (const Place place : kPlaces) {
    for (int type = 0; type < kTypes; ++type) {
      if (place == Place::before_kexinit && type == kKexinit) continue;
      if (place == Place::after_kexinit && type == kEcdhReply) continue;
      if (place == Place::before_newkeys && type == kNewKeys) continue;
      const Outcome outcome = visit(true, {.place = place, .added = message_of_type(type), .stops = true});
      ASSERT_TRUE(outcome.left) << named(place, type);
      if (place == Place::before_kexinit) {
        ASSERT_EQ(outcome.inits, 0) << named(place, type);
      }
    }
  }
}

TEST_F(StrictKexTest, NoMessageOfTheExchangeComesTwice) {
  listen();
  for (const Place place : kPlaces) {
    for (const bool strict : {false, true}) {
      const Outcome outcome = serve(strict, {.place = place, .added = {}, .twice = true});
      EXPECT_TRUE(outcome.left) << named(place, 0);
    }
  }
}

TEST_F(StrictKexTest, NoMessageOfATargetsExchangeComesTwice) {
  listen_for_client();
  for (const Place place : kPlaces) {
    for (const bool strict : {false, true}) {
      const Outcome outcome = visit(strict, {.place = place, .added = {}, .twice = true});
      EXPECT_TRUE(outcome.left) << named(place, 0);
    }
  }
}

TEST_F(StrictKexTest, AClientWithoutTheMarkerIsRefusedWhereItIsRequired) {
  ServerOptions options;
  options.algorithms.require_strict_kex = true;
  listen(options);
  const Outcome outcome = serve(false, {});
  EXPECT_TRUE(outcome.left);
  EXPECT_EQ(outcome.replies, 0);
  EXPECT_NE(outcome.farewell.find("strict key exchange is required"), std::string::npos) << outcome.farewell;
  EXPECT_EQ(servers_[0]->failed->code, Errc::unavailable);
  EXPECT_NE(servers_[0]->failed->detail.find("strict key exchange"), std::string::npos) << servers_[0]->failed->detail;
  EXPECT_TRUE(serve(true, {}).logged_in);
}

TEST_F(StrictKexTest, ATargetWithoutTheMarkerIsRefusedWhereItIsRequired) {
  listen_for_client();
  requires_strict_ = true;
  const Outcome outcome = visit(false, {});
  EXPECT_TRUE(outcome.left);
  EXPECT_NE(outcome.farewell.find("strict key exchange is required"), std::string::npos) << outcome.farewell;
  EXPECT_NE(client_.failed->told.find("strict key exchange"), std::string::npos) << client_.failed->told;
  EXPECT_TRUE(visit(true, {}).logged_in);
}

// Behind the exchange there is more that a peer may say, and none of it lets it in.
TEST_F(StrictKexTest, WhatAClientAddsBeforeItsLoginDoesntLetItIn) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest&) { connection.reject(); };
  listen();
  for (int type = 0; type < kTypes; ++type) {
    ASSERT_FALSE(serve(true, {.place = Place::before_login, .added = message_of_type(type)}).logged_in) << type;
  }
}

TEST_F(StrictKexTest, WhatATargetAddsBeforeTheLoginIsBorneOrEndsIt) {
  listen_for_client();
  for (int type = 0; type < kTypes; ++type) {
    const Outcome outcome = visit(true, {.place = Place::before_login, .added = message_of_type(type)});
    ASSERT_TRUE(outcome.logged_in || outcome.left) << type;
  }
}

// libssh takes a server's INFO_RESPONSE for a client's, and makes room for its answers and not for ours.
TEST_F(StrictKexTest, WhatATargetAddsToAQuestionIsBorneOrEndsIt) {
  listen_for_client();
  asks_ = true;
  for (int type = 0; type < kTypes; ++type) {
    const Outcome outcome = visit(true, {.place = Place::after_question, .added = message_of_type(type)});
    ASSERT_TRUE(outcome.logged_in || outcome.left) << type;
    if (type == kInfoResponse) {
      EXPECT_TRUE(outcome.left);
    }
  }
}

// What libssh takes for the marker, and other peers don't: they would be told that they broke a rule that they don't
// know.
TEST_F(StrictKexTest, OnlyTheWholeNameIsTheMarker) {
  listen();
  for (const char* names :
       {"curve25519-sha256,kex", "curve25519-sha256,,x", "kex-strict-c-v00@openssh.co,curve25519-sha256",
        "curve25519-sha256,kex-strict-s-v00@openssh.com", "curve25519-sha256,kex-strict-c-v00@openssh.com2"}) {
    kex_names_ = names;
    EXPECT_TRUE(serve(false, {.place = Place::before_newkeys, .added = message_of_type(2)}).logged_in) << names;
  }
  kex_names_ = "kex-strict-c-v00@openssh.com,curve25519-sha256";
  EXPECT_TRUE(serve(false, {.place = Place::before_newkeys, .added = message_of_type(2), .stops = true}).left);
}

TEST_F(StrictKexTest, WithoutTheMarkerSomeMayBeSaidAtAnyTime) {
  listen();
  for (const Place place : kPlaces) {
    for (const std::uint8_t type : kLegalAtAnyTime) {
      EXPECT_TRUE(serve(false, {.place = place, .added = message_of_type(type)}).logged_in) << named(place, type);
    }
    EXPECT_TRUE(serve(false, {.place = place, .added = message_of_type(kDisconnect), .stops = true}).left)
        << named(place, kDisconnect);
  }
}

TEST_F(StrictKexTest, WithoutTheMarkerATargetMaySaySomeAtAnyTime) {
  listen_for_client();
  for (const Place place : kPlaces) {
    for (const std::uint8_t type : kLegalAtAnyTime) {
      EXPECT_TRUE(visit(false, {.place = place, .added = message_of_type(type)}).logged_in) << named(place, type);
    }
    EXPECT_TRUE(visit(false, {.place = place, .added = message_of_type(kDisconnect), .stops = true}).left)
        << named(place, kDisconnect);
  }
}

}  // namespace
}  // namespace sallyport::ssh::test
