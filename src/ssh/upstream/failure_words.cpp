#include "ssh/upstream/failure_words.hpp"

#include "ssh/keys/algorithms.hpp"

namespace sallyport::ssh {
namespace {

/// How libssh ends the connection over the one answer to a password that it has no name for: PASSWD_CHANGEREQ (RFC 4252, section
/// 8).
constexpr std::string_view kChangeOfPassword = "rejected packet (type 60)";

/// What a server that doesn't want to be talked to now says: nothing, or what sshd does.
bool says_busy(std::string_view words) {
  return words.empty() || words.starts_with("Exceeded MaxStartups") || words.starts_with("Not allowed at this time");
}

}  // namespace

void FailureWords::note(const ClientFiles& files) {
  for (const auto& problem : files.problems) problems_ += "; " + problem;
  if (!files.passed_over.empty()) problems_ += "; " + files.passed_over;
}

UpstreamFailure FailureWords::unreachable(Errc code, const std::string& told, const std::string& detail) const {
  return UpstreamFailure{code, "target " + options_.name + " can't be reached: " + told,
                         options_.host + " port " + std::to_string(options_.port) + ": " + detail + problems_};
}

UpstreamFailure FailureWords::no_handshake(const Error& why, bool said_version, std::string_view said,
                                           const std::string& carrier) const {
  if (!said_version && !carrier.empty()) return unreachable(Errc::io, carrier, why.detail);
  // sshd does so when too many are logging in (MaxStartups), and while it goes down.
  if (!said_version && says_busy(said) && (why.code == Errc::closed || why.code == Errc::io))
    return unreachable(Errc::unavailable, "it is busy or down: it ended the connection before its version", why.detail);
  std::string told = "the SSH handshake failed";
  if (why.detail.find("no match for method") != std::string::npos) told += ": " + nothing_in_common(why.detail);
  return unreachable(Errc::protocol, told, why.detail);
}

UpstreamFailure FailureWords::refused(const UpstreamLogin& login, const std::string& detail) const {
  using Refused = UpstreamLogin::Refused;
  const std::string& told = login.told();
  // Where a person could have helped, the login is not wrong, and may be tried again at once.
  return UpstreamFailure{
      login.refused() == Refused::nothing ? Errc::unavailable : Errc::denied,
      "target " + options_.name + " refused the login" + (told.empty() ? "" : ": " + told),
      options_.host + " port " + std::to_string(options_.port) + ": login as " + options_.user + ": " + detail + problems_,
      login.refused() == Refused::the_clients};
}

UpstreamFailure FailureWords::lost_in(const UpstreamLogin& login, const Error& why) const {
  // sshd ends the connection after too many keys.
  if (why.code == Errc::closed) return refused(login, login.detail() + "; " + why.detail);
  if (why.detail.find(kChangeOfPassword) != std::string::npos) {
    UpstreamFailure wanted = refused(login, why.detail);
    wanted.told += ": its password must be changed";
    return wanted;
  }
  return unreachable(why.code, "the connection was lost during the login", why.detail);
}

std::string host_key_trouble(HostKeyVerdict verdict, const std::string& seen, const KnownHosts& known) {
  const std::string expected = known.expected();
  switch (verdict) {
    case HostKeyVerdict::changed: return "host key mismatch: " + seen + ", expected " + expected;
    case HostKeyVerdict::other_type: return "its host key is not one of those that are known: " + seen + ", expected " + expected;
    case HostKeyVerdict::unknown: return "its host key is unknown: " + seen;
    default: return seen.empty() ? "it showed no usable host key" : "its host key is revoked: " + seen;
  }
}

}  // namespace sallyport::ssh
