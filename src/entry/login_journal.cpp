#include "entry/login_journal.hpp"

#include <fmt/format.h>

#include "log/escape.hpp"

namespace sallyport::entry {

using log::plain;

namespace {

/// The end of a line of the log: whose certificate it was.
std::string shown(const CertificateIdentity* certificate) {
  if (certificate == nullptr) return {};
  return fmt::format(" key_id=\"{}\" serial={} ca={}", log::escape(certificate->key_id), certificate->serial,
                     certificate->authority);
}

void add_to(AuditEvent& event, const CertificateIdentity* certificate) {
  if (certificate == nullptr) return;
  event.with("key_id", certificate->key_id).with("serial", certificate->serial).with("ca", certificate->authority);
}

}  // namespace

void LoginJournal::accepted(const InnerClient* inner) {
  AuditEvent event("connect");
  event.with("connection", id_).with("source", source_.address).with("port", static_cast<std::uint64_t>(source_.port));
  log::Records::Note note = this->note();
  if (inner != nullptr) {
    note.info("conn={} accepted source={}:{} outer={} target={}", id_, source_.address, source_.port, inner->outer,
              inner->asked_target);
    event.with("outer", inner->outer).with("target", inner->asked_target);
  } else {
    note.info("conn={} accepted source={}:{}", id_, source_.address, source_.port);
  }
  note.record(event);
}

void LoginJournal::key_looked_up(const KeyVerdict& verdict, std::string_view user) {
  for (const KeyWarning& warning : verdict.warnings)
    note().warn("conn={} key file {}:{}: {}", id_, warning.file, warning.line, warning.reason);
  if (!verdict.unavailable) return;
  note().warn("conn={} keys unavailable user={} reason=\"{}\"", id_, user, verdict.refusal);
}

void LoginJournal::unavailable(std::string_view what, std::string_view why) {
  note().error("conn={} {} unavailable reason=\"{}\"", id_, plain(what), why);
}

void LoginJournal::passed(const UserauthRequest& request, std::string_view user) {
  note().info("conn={} passed user={} method={} source={}:{}", id_, user, request.method_name, source_.address, source_.port);
}

void LoginJournal::refused(const UserauthRequest& request, std::string_view why, const CertificateIdentity* certificate) {
  ++failures_;
  log::Records::Note note = this->note();
  if (request.is_offer) {  // clients offer all the keys that they have: a refused one is no failed login
    note.info("conn={} key not accepted user=\"{}\" key={} reason=\"{}\"{}", id_, request.user,
              request.key ? request.key->fingerprint : std::string("none"), why, plain(shown(certificate)));
  } else {
    only_offers_ = false;
    write_refusal(note, request, request.method_name, why, certificate);
  }
  record_failure(note, id_, request, why, certificate);
}

void LoginJournal::turned_away(const UserauthRequest& request, const mux::Admission& client, std::string_view why,
                               const CertificateIdentity* certificate) {
  turned_away_ = true;
  log::Records::Note note = this->note();
  note.info("conn={} login refused user=\"{}\" source={} port={} method={} reason=\"{}\"", id_, request.user, source_.address,
            source_.port, client.method, why);
  record_failure(note, id_, request, why, certificate);
}

void LoginJournal::record_failure(log::Records::Note& note, ConnectionId id, const UserauthRequest& request, std::string_view why,
                                  const CertificateIdentity* certificate) {
  AuditEvent event("auth");
  event.with("connection", id).with("login", request.user).with("method", request.method_name);
  event.with("key", request.key ? std::string_view(request.key->fingerprint) : std::string_view());
  event.with("success", false).with("reason", why);
  add_to(event, certificate);
  note.record(event);
}

void LoginJournal::write_refusal(log::Records::Note& note, const UserauthRequest& request, std::string_view method,
                                 std::string_view why, const CertificateIdentity* certificate) const {
  // One line for each failed attempt, which programs such as fail2ban look for: don't change what stands in front of
  // the reason. The name is quoted, so that nobody can write a source of their choice into it.
  note.info("conn={} authentication refused user=\"{}\" source={} port={} method={} reason=\"{}\"{}", id_, request.user,
            source_.address, source_.port, method, why, plain(shown(certificate)));
}

void LoginJournal::let_in(const UserauthRequest& request, const mux::Admission& client) {
  const CertificateIdentity* certificate = client.grant.certificate ? &*client.grant.certificate : nullptr;
  records_.log().info("conn={} authenticated user={} method={} key={} source={}:{}{}", id_, client.user, client.method,
                      client.fingerprint, source_.address, source_.port, plain(shown(certificate)));
  AuditEvent event("auth");
  event.with("connection", id_).with("login", request.user).with("method", client.method);
  // The event "connect" may be one of those that were left out.
  event.with("source", source_.address).with("port", source_.port);
  event.with("key", client.fingerprint).with("success", true).with("mfa", client.mfa);
  add_to(event, certificate);
  records_.audit().record(event);
  records_.note_login(block_);
}

void LoginJournal::negotiated(const ConnectionInfo& info) {
  records_.log().debug("conn={} negotiated kex={} cipher={}/{} strict_kex={} peer={}", id_, info.kex, info.cipher_in,
                       info.cipher_out, info.strict_kex, info.peer_identification);
}

void LoginJournal::closed(const UserauthRequest& request, const Error& why, const CertificateIdentity* certificate) {
  log::Records::Note note = this->note();
  // None of the keys was the user's, whatever was passed beside them.
  if (failures_ > 0 && only_offers_) write_refusal(note, request, "publickey", why.detail, certificate);
  note.info("conn={} closed before login source={}:{} reason=\"{}\"", id_, source_.address, source_.port, why.detail);
  note.record(AuditEvent("close").with("connection", id_).with("reason", why.detail));
}

auth::Offence LoginJournal::offence_of(const Error& why) const {
  if (turned_away_) return auth::Offence::none;  // it was all right, but for us
  switch (why.code) {
    case Errc::timeout: return auth::Offence::grace_exceeded;
    case Errc::protocol:
    case Errc::limit: return auth::Offence::crash;
    default: return failures_ > 0 ? auth::Offence::auth_failure : auth::Offence::no_auth;
  }
}

}  // namespace sallyport::entry
