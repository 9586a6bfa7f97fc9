// The first exchange of keys with a peer that adds a message to it. With the marker of the strict exchange (OpenSSH's
// PROTOCOL, 1.10) there is no room for one; without, what RFC 4253 lets be said at any time may be said.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "raw_peer.hpp"
#include "ssh_fixture.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh::test {
namespace {

constexpr std::uint8_t kDisconnect = 1;
constexpr std::uint8_t kServiceRequest = 5;
constexpr std::uint8_t kServiceAccept = 6;
constexpr std::uint8_t kKexinit = 20;
constexpr std::uint8_t kNewKeys = 21;
constexpr std::uint8_t kEcdhInit = 30;
constexpr std::uint8_t kEcdhReply = 31;
constexpr std::uint8_t kUserauthRequest = 50;
constexpr std::uint8_t kUserauthSuccess = 52;
constexpr std::uint8_t kPkOk = 60;
constexpr int kTypes = 256;
constexpr std::array<std::uint8_t, 3> kLegalAtAnyTime{2, 3, 4};  // IGNORE, UNIMPLEMENTED, DEBUG

constexpr std::string_view kServiceName = "ssh-userauth";

/// Where the message is added: in front of the peer's KEXINIT, behind it, and before its NEWKEYS.
enum class Place : std::uint8_t { before_kexinit, after_kexinit, before_newkeys };
constexpr std::array kPlaces{Place::before_kexinit, Place::after_kexinit, Place::before_newkeys};

struct Script {
  Place place{};
  Bytes added;         ///< empty: nothing
  bool stops = false;  ///< the peer says nothing after what it has added, and waits for the end
  bool twice = false;  ///< nothing is added: what follows the place is said twice
};

struct Outcome {
  bool logged_in = false;
  bool left = false;
  int inits = 0;         ///< ECDH_INIT
  int replies = 0;       ///< ECDH_REPLY, which has the host key in it
  std::string farewell;  ///< the text of DISCONNECT
};

RawPeer::Manners manners(RawPeer::Role role, bool strict) {
  RawPeer::Manners manners;
  if (!strict) return manners;
  manners.kex_names +=
      role == RawPeer::Role::client ? ",kex-strict-c-v00@openssh.com" : ",kex-strict-s-v00@openssh.com";
  return manners;
}

// Every field of what RFC 4253 defines is there.
Bytes message_of_type(int type) { return Bytes{static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; }

class Exchange {
 public:
  Exchange(RawPeer& peer, const Script& script) : peer_(peer), script_(script) {}

  Outcome as_client() {
    Outcome outcome;
    if (exchange_as_client()) {
      peer_.send(wire::Writer().byte(kServiceRequest).string(kServiceName).bytes());
      if (peer_.receive(kServiceAccept)) {
        wire::Writer request;
        request.byte(kUserauthRequest).string(std::string_view{"alice"}).string(std::string_view{"ssh-connection"});
        peer_.send(
            request.string(std::string_view{"password"}).boolean(false).string(std::string_view{"secret"}).bytes());
        outcome.logged_in = peer_.receive(kUserauthSuccess).has_value();
      }
    }
    return told(outcome);
  }

  Outcome as_server() {
    Outcome outcome;
    if (exchange_as_server() && peer_.receive(kServiceRequest)) {
      peer_.send(wire::Writer().byte(kServiceAccept).string(kServiceName).bytes());
      while (auto request = peer_.receive(kUserauthRequest)) {
        outcome.logged_in = answer(*request);
        if (outcome.logged_in) break;
      }
    }
    return told(outcome);
  }

 private:
  bool add(Place place) {
    if (place != script_.place || script_.added.empty()) return true;
    peer_.send(script_.added);
    // In front of KEXINIT nobody can know whether the exchange is a strict one.
    return !script_.stops || place == Place::before_kexinit;
  }
  bool stops_at_kexinit() const { return script_.stops && script_.place == Place::before_kexinit; }

  void say(Place place, const Bytes& message) {
    peer_.send(message);
    if (script_.twice && script_.place == place) peer_.send(message);
  }

  bool exchange_as_client() {
    peer_.identify();
    if (!add(Place::before_kexinit)) return false;
    say(Place::before_kexinit, peer_.kexinit());
    if (stops_at_kexinit() || !add(Place::after_kexinit)) return false;
    if (!peer_.receive(kKexinit)) return false;
    say(Place::after_kexinit, peer_.ecdh_init());
    const auto reply = peer_.receive(kEcdhReply);
    if (!reply || !peer_.receive(kNewKeys)) return false;
    peer_.take_reply(*reply);
    peer_.use_keys_in();
    if (!add(Place::before_newkeys)) return false;
    say(Place::before_newkeys, Bytes{kNewKeys});
    peer_.use_keys_out();
    return true;
  }

  bool exchange_as_server() {
    peer_.identify();
    if (!add(Place::before_kexinit)) return false;
    say(Place::before_kexinit, peer_.kexinit());
    if (stops_at_kexinit() || !add(Place::after_kexinit)) return false;
    if (!peer_.receive(kKexinit) || !peer_.receive(kEcdhInit)) return false;
    say(Place::after_kexinit, peer_.ecdh_reply());
    if (!peer_.receive(kNewKeys)) return false;
    peer_.use_keys_in();
    if (!add(Place::before_newkeys)) return false;
    say(Place::before_newkeys, Bytes{kNewKeys});
    peer_.use_keys_out();
    return true;
  }

  bool answer(const Bytes& request) {
    wire::Reader reader{request};
    static_cast<void>(reader.byte());
    static_cast<void>(reader.string());
    static_cast<void>(reader.string());
    if (reader.text() == "publickey" && reader.boolean()) {
      peer_.send(Bytes{kUserauthSuccess});
      return true;
    }
    const ByteView algorithm = reader.string();
    const ByteView blob = reader.string();
    if (reader.ok()) {
      peer_.send(wire::Writer().byte(kPkOk).string(algorithm).string(blob).bytes());
    } else {
      peer_.send(wire::Writer().byte(51).string(std::string_view{"publickey"}).boolean(false).bytes());
    }
    return false;
  }

  Outcome told(Outcome outcome) {
    if (!outcome.logged_in) outcome.left = peer_.is_left();
    outcome.inits = peer_.heard(kEcdhInit);
    outcome.replies = peer_.heard(kEcdhReply);
    outcome.farewell = peer_.farewell();
    return outcome;
  }

  RawPeer& peer_;
  const Script script_;
};

class StrictKexTest : public SshTest {
 protected:
  // Our server, and a client that follows the script.
  Outcome serve(bool strict, const Script& script) {
    servers_.clear();
    const net::Fd fd{plain_socket()};
    const Outcome outcome = in_thread([&] {
      RawPeer::Manners client = manners(RawPeer::Role::client, strict);
      if (!kex_names_.empty()) client.kex_names = kex_names_;
      RawPeer peer{net::Fd{::dup(fd.get())}, RawPeer::Role::client, client};
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
    connect(options);
    const Outcome outcome = in_thread([&] {
      RawPeer peer{net::Fd{::accept(socket_.get(), nullptr, nullptr)}, RawPeer::Role::server,
                   manners(RawPeer::Role::server, strict)};
      return Exchange{peer, script}.as_server();
    });
    EXPECT_TRUE(run_until([this] { return client_.failed || client_.connected; }));
    EXPECT_EQ(client_.connected, outcome.logged_in);
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
