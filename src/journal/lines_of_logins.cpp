#include <chrono>
#include <string>

#include <fmt/format.h>

#include "journal/lines.hpp"
#include "log/escape.hpp"

namespace sallyport::journal {

using log::plain;

namespace {

/// The end of a line: whose certificate it was.
std::string shown(const CertificateIdentity* certificate) {
  if (certificate == nullptr) return {};
  return fmt::format(" key_id=\"{}\" serial={} ca={}", log::escape(certificate->key_id), certificate->serial,
                     certificate->authority);
}

/// One line for each failed attempt, which programs such as fail2ban look for: don't change what stands in front of
/// the reason. The name is quoted, so that nobody can write a source of their choice into it.
void write_refusal(log::Records::Note& note, const facts::Stranger& client, const facts::Attempt& attempt,
                   std::string_view method, std::string_view why) {
  note.info("conn={} authentication refused user=\"{}\" source={} port={} method={} reason=\"{}\"{}", client.id, attempt.login,
            client.source.address, client.source.port, method, why, plain(shown(attempt.certificate)));
}

}  // namespace

void Lines::operator()(const facts::ConnectionDropped& fact) const {
  note.warn("conn={} dropped source={}:{} reason=\"{}\"", fact.client.id, fact.client.source.address, fact.client.source.port,
            plain(fact.why));
}

void Lines::operator()(const facts::ProxyHeaderFailed& fact) const {
  note.warn("conn={} closed source={}:{} reason=\"{}\"", fact.client.id, fact.client.source.address, fact.client.source.port,
            fact.why);
}

void Lines::operator()(const facts::ProxyHeaderRead& fact) const {
  note.info("conn={} for source={}:{} through proxy={}:{}", fact.client.id, fact.client.source.address, fact.client.source.port,
            fact.proxy.address, fact.proxy.port);
}

void Lines::operator()(const facts::HealthChecked& fact) const {
  note.debug("conn={} closed source={}:{} reason=\"the balancer speaks for itself\"", fact.id, fact.proxy.address,
             fact.proxy.port);
}

void Lines::operator()(const facts::ConnectionAccepted& fact) const {
  const auto& [id, source, block] = fact.client;
  if (fact.inner == nullptr) {
    note.info("conn={} accepted source={}:{}", id, source.address, source.port);
  } else {
    note.info("conn={} accepted source={}:{} outer={} target={}", id, source.address, source.port, fact.inner->outer,
              fact.inner->asked_target);
  }
}

void Lines::operator()(const facts::KeyFileFaulty& fact) const {
  note.warn("conn={} key file {}:{}: {}", fact.client.id, fact.warning.file, fact.warning.line, fact.warning.reason);
}

void Lines::operator()(const facts::KeysUnavailable& fact) const {
  note.warn("conn={} keys unavailable user={} reason=\"{}\"", fact.client.id, fact.user, fact.why);
}

void Lines::operator()(const facts::IdentityUnavailable& fact) const {
  note.error("conn={} {} unavailable reason=\"{}\"", fact.client.id, fact.what, fact.why);
}

void Lines::operator()(const facts::MethodPassed& fact) const {
  note.info("conn={} passed user={} method={} source={}:{}", fact.client.id, fact.user, fact.method, fact.client.source.address,
            fact.client.source.port);
}

void Lines::operator()(const facts::AttemptRefused& fact) const {
  if (!fact.attempt.is_offer) return write_refusal(note, fact.client, fact.attempt, fact.attempt.method, fact.why);
  // a refused one is no failed login
  note.info("conn={} key not accepted user=\"{}\" key={} reason=\"{}\"{}", fact.client.id, fact.attempt.login,
            fact.attempt.key.empty() ? "none" : fact.attempt.key, fact.why, plain(shown(fact.attempt.certificate)));
}

void Lines::operator()(const facts::LoginTurnedAway& fact) const {
  note.info("conn={} login refused user=\"{}\" source={} port={} method={} reason=\"{}\"", fact.client.id, fact.attempt.login,
            fact.client.source.address, fact.client.source.port, fact.methods, fact.why);
}

void Lines::operator()(const facts::Authenticated& fact) const {
  note.info("conn={} authenticated user={} method={} key={} source={}:{}{}", fact.client.id, fact.user, fact.methods, fact.key,
            fact.client.source.address, fact.client.source.port, plain(shown(fact.certificate)));
}

void Lines::operator()(const facts::ConnectionNegotiated& fact) const {
  const ConnectionInfo& info = fact.info;
  note.debug("conn={} negotiated kex={} cipher={}/{} strict_kex={} peer={}", fact.id, info.kex, info.cipher_in, info.cipher_out,
             info.strict_kex, info.peer_identification);
}

void Lines::operator()(const facts::LoginFailed& fact) const {
  const auto& [id, source, block] = fact.client;
  if (fact.only_offers) write_refusal(note, fact.client, fact.last, "publickey", fact.why.detail);
  note.info("conn={} closed before login source={}:{} reason=\"{}\"", id, source.address, source.port, fact.why.detail);
}

void Lines::operator()(const facts::PenaltyBegun& fact) const {
  note.warn("penalty begins source={} seconds={} reason=\"{}\"", fact.source,
            std::chrono::duration_cast<std::chrono::seconds>(fact.time).count(), fact.reason);
}

}  // namespace sallyport::journal
