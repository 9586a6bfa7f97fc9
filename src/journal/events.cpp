#include "journal/events.hpp"

#include <cstdint>

#include "journal/parts.hpp"

namespace sallyport::journal {
namespace {

void add_to(AuditEvent& event, const CertificateIdentity* certificate) {
  if (certificate == nullptr) return;
  event.with("key_id", certificate->key_id).with("serial", certificate->serial).with("ca", certificate->authority);
}

void record_failure(log::Records::Note& note, ConnectionId id, const facts::Attempt& attempt, std::string_view why) {
  AuditEvent event("auth");
  event.with("connection", id).with("login", attempt.login).with("method", attempt.method).with("key", attempt.key);
  event.with("success", false).with("reason", why);
  add_to(event, attempt.certificate);
  note.record(event);
}

}  // namespace

// ---- before the login

void Events::operator()(const facts::ConnectionAccepted& fact) const {
  AuditEvent event("connect");
  event.with("connection", fact.client.id).with("source", fact.client.source.address);
  event.with("port", static_cast<std::uint64_t>(fact.client.source.port));
  if (fact.inner != nullptr) event.with("outer", fact.inner->outer).with("target", fact.inner->asked_target);
  note.record(event);
}

void Events::operator()(const facts::AttemptRefused& fact) const { record_failure(note, fact.client.id, fact.attempt, fact.why); }

void Events::operator()(const facts::LoginTurnedAway& fact) const {
  record_failure(note, fact.client.id, fact.attempt, fact.why);
}

void Events::operator()(const facts::Authenticated& fact) const {
  AuditEvent event("auth");
  event.with("connection", fact.client.id).with("login", fact.login).with("method", fact.methods);
  // The event "connect" may be one of those that were left out.
  event.with("source", fact.client.source.address).with("port", fact.client.source.port);
  event.with("key", fact.key).with("success", true).with("mfa", fact.mfa);
  add_to(event, fact.certificate);
  note.record(event);
}

void Events::operator()(const facts::LoginFailed& fact) const {
  note.record(AuditEvent("close").with("connection", fact.client.id).with("reason", fact.why.detail));
}

void Events::operator()(const facts::PenaltyBegun& fact) const {
  note.record(AuditEvent("penalty").with("source", fact.source).with("reason", fact.reason));
}

// ---- targets

void Events::operator()(const facts::TrunkConnecting& fact) const {
  note.record(AuditEvent("trunk").with("trunk", fact.trunk.id).with("user", fact.trunk.user).with("target", fact.trunk.target));
}

void Events::operator()(const facts::TrunkFailed& fact) const {
  note.record(AuditEvent("close").with("trunk", fact.trunk.id).with("reason", fact.why));
}

void Events::operator()(const facts::LoginsPaused& fact) const {
  note.record(AuditEvent("pause")
                  .with("trunk", fact.trunk.id)
                  .with("user", fact.trunk.user)
                  .with("target", fact.trunk.target)
                  .with("milliseconds", milliseconds(fact.pause)));
}

void Events::operator()(const facts::TrunkClosed& fact) const {
  note.record(AuditEvent("close").with("trunk", fact.trunk.id).with("reason", fact.why.detail));
}

void Events::operator()(const facts::TargetOpenRefused& fact) const {
  note.record(AuditEvent("refuse").with("trunk", fact.trunk.id).with("type", fact.type).with("reason", fact.why));
}

void Events::operator()(const facts::TargetRequestRefused& fact) const {
  note.record(AuditEvent("refuse").with("trunk", fact.trunk.id).with("request", fact.request).with("reason", fact.why));
}

}  // namespace sallyport::journal
