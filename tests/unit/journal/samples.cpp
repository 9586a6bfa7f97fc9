#include "samples.hpp"

namespace sallyport::journal {
namespace {

using J = Journal;
using C = const facts::Client;
using I = const ChannelIds;
using S = const std::string;

constexpr Duration kSecond = std::chrono::seconds(1);
constexpr facts::Administrator kAdministrator{1000, 77};

facts::Stranger stranger(C& client) { return {client.id, client.source, "10.0.0.1/32"}; }

facts::Trunk trunk(C& client) { return {TrunkId{3}, client.user, "web"}; }

facts::RemoteForward remote(C& client, S& text) { return {ForwardId{7}, TrunkId{3}, "tcpip-forward", text, client.user}; }

const CertificateIdentity& certificate() {
  static const CertificateIdentity kCertificate{{"alice's", "SHA256:ca"}, 5};
  return kCertificate;
}

facts::Attempt attempt(S& text, bool is_offer) { return {text, "publickey", "SHA256:key", is_offer, &certificate()}; }

std::vector<Sample> of_logins() {
  using enum Written;
  return {
      {"ConnectionDropped", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::ConnectionDropped{stranger(c), "the audit trail can't be written"});
       }},
      {"ProxyHeaderFailed", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::ProxyHeaderFailed{stranger(c), s});
       }},
      {"ProxyHeaderRead", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::ProxyHeaderRead{stranger(c), {"10.0.0.9", 4}});
       }},
      {"HealthChecked", logged,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::HealthChecked{c.id, {"10.0.0.9", 4}});
       }},
      {"ConnectionAccepted", rated,
       [](J& j, C& c, I&, S& s) {
         const InnerClient inner{ConnectionId{2}, "10.0.0.1", 1, s};
         j.tell(facts::ConnectionAccepted{stranger(c), nullptr});
         j.tell(facts::ConnectionAccepted{stranger(c), &inner});
       }},
      {"KeyFileFaulty", rated,
       [](J& j, C& c, I&, S& s) {
         const KeyWarning warning{s, 4, s};
         j.tell(facts::KeyFileFaulty{stranger(c), warning});
       }},
      {"KeysUnavailable", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::KeysUnavailable{stranger(c), s, s});
       }},
      {"IdentityUnavailable", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::IdentityUnavailable{stranger(c), "session", s});
       }},
      {"MethodPassed", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::MethodPassed{stranger(c), c.user, "publickey"});
       }},
      {"AttemptRefused", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::AttemptRefused{stranger(c), attempt(s, false), s});
         j.tell(facts::AttemptRefused{stranger(c), attempt(s, true), s});
       }},
      {"LoginTurnedAway", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::LoginTurnedAway{stranger(c), attempt(s, false), c.methods, s});
       }},
      {"Authenticated", always,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::Authenticated{stranger(c), s, c.user, c.methods, "SHA256:key", true, &certificate()});
       }},
      {"ConnectionNegotiated", logged,
       [](J& j, C& c, I&, S& s) {
         const ConnectionInfo info{s, "kex", "host key", "in", "out", "mac", "mac", true};
         j.tell(facts::ConnectionNegotiated{c.id, info});
       }},
      {"LoginFailed", rated,
       [](J& j, C& c, I&, S& s) {
         const Error why{Errc::protocol, s};
         j.tell(facts::LoginFailed{stranger(c), attempt(s, false), false, why});
         j.tell(facts::LoginFailed{stranger(c), attempt(s, true), true, why});
       }},
      {"PenaltyBegun", always,
       [](J& j, C&, I&, S&) {
         j.tell(facts::PenaltyBegun{"10.0.0.1/32", kSecond, "crash"});
       }},
  };
}

std::vector<Sample> of_clients() {
  using enum Written;
  return {
      {"RouteFull", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::RouteFull{c, s});
       }},
      {"GrantLost", logged,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::GrantLost{c, s});
       }},
      {"ChannelOpened", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ChannelOpened{c, i.channel, s});
       }},
      {"ChannelOpenRefused", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::ChannelOpenRefused{c, s, "it can't be"});
       }},
      {"ProgramStarted", always,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ProgramStarted{c, i, "exec", s, "web"});
       }},
      {"ProgramRefused", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ProgramRefused{c, i, "exec", s, s, s});
       }},
      {"ProgramFailed", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ProgramFailed{c, i, "exec", s, s});
       }},
      {"ProgramEnded", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ProgramEnded{c, i, std::nullopt, s});
       }},
      {"RequestRefused", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::RequestRefused{c, i, s, s});
         j.tell(facts::RequestRefused{c, std::nullopt, s, s});
       }},
      {"ForwardOpened", always,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ForwardOpened{c, i, s, s, "web"});
       }},
      {"ForwardRefused", rated,
       [](J& j, C& c, I& i, S& s) {
         j.tell(facts::ForwardRefused{c, i, s, s, s});
       }},
      {"RemoteForwardListening", always,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::RemoteForwardListening{c, remote(c, s)});
       }},
      {"RemoteForwardRefused", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::RemoteForwardRefused{c, s, s, s});
       }},
      {"RemoteForwardEnded", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::RemoteForwardEnded{c, remote(c, s), s});
       }},
      {"ChannelIdle", rated,
       [](J& j, C& c, I& i, S&) {
         j.tell(facts::ChannelIdle{c, i, "session", kSecond});
       }},
      {"ChannelClosed", rated,
       [](J& j, C& c, I& i, S&) {
         j.tell(facts::ChannelClosed{c, i, 1, 2, kSecond});
       }},
      {"ClientViolation", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::ClientViolation{c, "a bad message"});
       }},
      {"ClientMessageIgnored", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::ClientMessageIgnored{c, "a second EOF", 10});
       }},
      {"ConnectionClosed", always,
       [](J& j, C& c, I&, S& s) {
         const Error why{Errc::protocol, s};
         j.tell(facts::ConnectionClosed{c, why, 1, 2, kSecond});
       }},
      {"ClientChannelStep", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::ClientChannelStep{c, LocalChannel{1}, "open", "eof_sent"});
       }},
      {"SessionStep", rated,
       [](J& j, C& c, I& i, S&) {
         j.tell(facts::SessionStep{c, i, "collecting", "binding"});
       }},
  };
}

std::vector<Sample> of_targets() {
  using enum Written;
  return {
      {"TrunkWaiting", rated, [](J& j, C& c, I&, S&) { j.tell(facts::TrunkWaiting{trunk(c)}); }},
      {"TrunkConnecting", rated, [](J& j, C& c, I&, S&) { j.tell(facts::TrunkConnecting{trunk(c)}); }},
      {"TrunkReady", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkReady{trunk(c), kSecond});
       }},
      {"TrunkFailed", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::TrunkFailed{trunk(c), s});
       }},
      {"LoginsPaused", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::LoginsPaused{trunk(c), kSecond});
       }},
      {"TrunkSilent", rated, [](J& j, C& c, I&, S&) { j.tell(facts::TrunkSilent{trunk(c)}); }},
      {"TrunkUnquestioned", rated, [](J& j, C& c, I&, S&) { j.tell(facts::TrunkUnquestioned{trunk(c)}); }},
      {"TrunkFull", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkFull{trunk(c), 10});
       }},
      {"TrunkDraining", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkDraining{trunk(c), "it's old"});
       }},
      {"TrunkClosed", rated,
       [](J& j, C& c, I&, S& s) {
         const Error why{Errc::protocol, s};
         j.tell(facts::TrunkClosed{trunk(c), why});
       }},
      {"TargetOpenRefused", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::TargetOpenRefused{trunk(c), s, "it's no"});
       }},
      {"TargetRequestRefused", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::TargetRequestRefused{trunk(c), s, "it's no"});
       }},
      {"TargetViolation", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TargetViolation{trunk(c), "a bad message"});
       }},
      {"TargetMessageIgnored", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TargetMessageIgnored{trunk(c), "a second EOF", 1});
       }},
      {"UpstreamLoginHindered", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::UpstreamLoginHindered{c.user, "web", s});
       }},
      {"UpstreamLoginAccepted", rated,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::UpstreamLoginAccepted{c.user, "web", "root", s});
       }},
      {"HostKeysLearnt", logged,
       [](J& j, C&, I&, S&) {
         j.tell(facts::HostKeysLearnt{"web", 1, 2, "/known_hosts"});
       }},
      {"HostKeysNotLearnt", logged,
       [](J& j, C&, I&, S& s) {
         j.tell(facts::HostKeysNotLearnt{"web", s});
       }},
      {"TrunkChannelStep", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkChannelStep{trunk(c), LocalChannel{1}, "open", "eof_sent"});
       }},
      {"TrunkStep", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkStep{trunk(c), "connecting", "ready"});
       }},
      {"TrunkWishStep", rated,
       [](J& j, C& c, I&, S&) {
         j.tell(facts::TrunkWishStep{c.user, c.id, "web", "waiting", "taking"});
         j.tell(facts::TrunkWishStep{c.user, std::nullopt, "web", "waiting", "taking"});
       }},
  };
}

std::vector<Sample> of_daemon() {
  using enum Written;
  return {
      {"DaemonStarted", logged,
       [](J& j, C&, I&, S&) {
         j.tell(facts::DaemonStarted{"1.2", 7, "/sallyport.toml"});
       }},
      {"Listening", logged, [](J& j, C&, I&, S&) { j.tell(facts::Listening{"0.0.0.0:22"}); }},
      {"HostKeyReady", logged,
       [](J& j, C&, I&, S&) {
         j.tell(facts::HostKeyReady{true, "ssh-ed25519", "SHA256:key", "/key"});
         j.tell(facts::HostKeyReady{false, "ssh-ed25519", "SHA256:key", "/key"});
       }},
      {"ConfigReloaded", logged, [](J& j, C&, I&, S&) { j.tell(facts::ConfigReloaded{"/sallyport.toml"}); }},
      {"ReloadFailed", logged, [](J& j, C&, I&, S& s) { j.tell(facts::ReloadFailed{s}); }},
      {"LogsReopened", logged, [](J& j, C&, I&, S&) { j.tell(facts::LogsReopened{}); }},
      {"DrainBegun", logged, [](J& j, C&, I&, S&) { j.tell(facts::DrainBegun{kSecond}); }},
      {"EndBegun", logged, [](J& j, C&, I&, S&) { j.tell(facts::EndBegun{3}); }},
      {"DaemonEnded", logged, [](J& j, C&, I&, S&) { j.tell(facts::DaemonEnded{}); }},
      {"ConnectionKilled", logged,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::ConnectionKilled{kAdministrator, c.id, s});
       }},
      {"ChannelKilled", logged,
       [](J& j, C&, I& i, S& s) {
         j.tell(facts::ChannelKilled{kAdministrator, i.channel, s});
       }},
      {"UserKilled", logged,
       [](J& j, C&, I&, S& s) {
         j.tell(facts::UserKilled{kAdministrator, s, 2, s});
       }},
      {"TrunksChanged", logged,
       [](J& j, C& c, I&, S& s) {
         j.tell(facts::TrunksChanged{kAdministrator, "stopped", s, c.user, 2});
       }},
      {"PenaltiesLifted", logged,
       [](J& j, C&, I&, S& s) {
         j.tell(facts::PenaltiesLifted{kAdministrator, s, 2});
       }},
      {"ScanAsked", logged,
       [](J& j, C&, I&, S& s) {
         j.tell(facts::ScanAsked{kAdministrator, s});
       }},
      {"ReloadAsked", logged, [](J& j, C&, I&, S&) { j.tell(facts::ReloadAsked{kAdministrator}); }},
      {"DrainAsked", logged, [](J& j, C&, I&, S&) { j.tell(facts::DrainAsked{kAdministrator}); }},
  };
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = [] {
    std::vector<Sample> all;
    for (const auto& some : {of_logins(), of_clients(), of_targets(), of_daemon()})
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }();
  return kSamples;
}

facts::Client sample_client(ConnectionId id) { return {id, "alice", {"10.0.0.1", 50000}, "publickey", "everybody"}; }

}  // namespace sallyport::journal
