// The first exchange of keys and the login as a script has them, spoken by a RawPeer in either role.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "raw_peer.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh::test {

inline constexpr std::uint8_t kDisconnect = 1;
inline constexpr std::uint8_t kServiceRequest = 5;
inline constexpr std::uint8_t kServiceAccept = 6;
inline constexpr std::uint8_t kKexinit = 20;
inline constexpr std::uint8_t kNewKeys = 21;
inline constexpr std::uint8_t kEcdhInit = 30;
inline constexpr std::uint8_t kEcdhReply = 31;
inline constexpr std::uint8_t kUserauthRequest = 50;
inline constexpr std::uint8_t kUserauthFailure = 51;
inline constexpr std::uint8_t kUserauthSuccess = 52;
inline constexpr std::uint8_t kPkOk = 60;
inline constexpr std::uint8_t kInfoRequest = 60;
inline constexpr std::uint8_t kInfoResponse = 61;
inline constexpr std::uint32_t kPrompts = 200;
inline constexpr int kTypes = 256;
inline constexpr std::array<std::uint8_t, 3> kLegalAtAnyTime{2, 3, 4};  // IGNORE, UNIMPLEMENTED, DEBUG

inline constexpr std::string_view kServiceName = "ssh-userauth";

/// Where the message is added: in front of the peer's KEXINIT, behind it, and before its NEWKEYS. Then, encrypted, in
/// front of the service (asked for or accepted), and behind a question that a server asks.
enum class Place : std::uint8_t { before_kexinit, after_kexinit, before_newkeys, before_login, after_question };
/// Those within the exchange.
inline constexpr std::array kPlaces{Place::before_kexinit, Place::after_kexinit, Place::before_newkeys};

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

inline RawPeer::Manners manners(RawPeer::Role role, bool strict) {
  RawPeer::Manners manners;
  if (!strict) return manners;
  manners.kex_names += role == RawPeer::Role::client ? ",kex-strict-c-v00@openssh.com" : ",kex-strict-s-v00@openssh.com";
  return manners;
}

// Every field of what RFC 4253 defines is there.
inline Bytes message_of_type(int type) { return Bytes{static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; }

class Exchange {
 public:
  Exchange(RawPeer& peer, const Script& script) : peer_(peer), script_(script) {}

  Outcome as_client() {
    Outcome outcome;
    if (exchange_as_client() && add(Place::before_login)) {
      peer_.send(wire::Writer().byte(kServiceRequest).string(kServiceName).bytes());
      if (peer_.receive(kServiceAccept)) {
        wire::Writer request;
        request.byte(kUserauthRequest).string(std::string_view{"alice"}).string(std::string_view{"ssh-connection"});
        peer_.send(request.string(std::string_view{"password"}).boolean(false).string(std::string_view{"secret"}).bytes());
        auto answer = peer_.receive();
        while (answer && answer->front() != kUserauthSuccess && answer->front() != kUserauthFailure) answer = peer_.receive();
        outcome.logged_in = answer && answer->front() == kUserauthSuccess;
      }
    }
    return told(outcome);
  }

  Outcome as_server() {
    Outcome outcome;
    if (exchange_as_server() && peer_.receive(kServiceRequest)) {
      add(Place::before_login);
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
    const std::string_view method = reader.text();
    if (method == "keyboard-interactive") {
      peer_.send(question(), script_.added);
      if (!peer_.receive(kInfoResponse)) return false;
      peer_.send(Bytes{kUserauthSuccess});
      return true;
    }
    if (method == "publickey" && reader.boolean()) {
      peer_.send(Bytes{kUserauthSuccess});
      return true;
    }
    const ByteView algorithm = reader.string();
    const ByteView blob = reader.string();
    if (reader.ok()) {
      peer_.send(wire::Writer().byte(kPkOk).string(algorithm).string(blob).bytes());
    } else {
      peer_.send(wire::Writer()
                     .byte(kUserauthFailure)
                     .string(std::string_view{"publickey,keyboard-interactive"})
                     .boolean(false)
                     .bytes());
    }
    return false;
  }

  static Bytes question() {
    wire::Writer question;
    question.byte(kInfoRequest).string(std::string_view{"name"}).string(std::string_view{}).string(std::string_view{});
    question.uint32(kPrompts);
    for (std::uint32_t i = 0; i < kPrompts; ++i) question.string(std::string_view{"?"}).boolean(true);
    return question.take();
  }

  Outcome told(Outcome outcome) {
    if (!outcome.logged_in && peer_.heard(kUserauthFailure) == 0) outcome.left = peer_.is_left();
    outcome.inits = peer_.heard(kEcdhInit);
    outcome.replies = peer_.heard(kEcdhReply);
    outcome.farewell = peer_.farewell();
    return outcome;
  }

  RawPeer& peer_;
  const Script script_;
};

}  // namespace sallyport::ssh::test
