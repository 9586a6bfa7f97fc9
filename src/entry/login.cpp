#include "entry/login.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "entry/file_attempt.hpp"
#include "entry/key_look_up.hpp"
#include "entry/own_host_keys.hpp"
#include "entry/pam_attempt.hpp"
#include "match/time_window.hpp"

namespace sallyport::app {

using log::escaped;
using Method = UserauthRequest::Method;

namespace {

constexpr std::string_view kLocked = "too many wrong passwords or codes of this user lately";

/// The end of a line of the log: whose certificate it was.
std::string shown(const CertificateIdentity* certificate) {
  if (certificate == nullptr) return {};
  return fmt::format(" key_id=\"{}\" serial={} ca={}", escaped(certificate->key_id), certificate->serial, certificate->authority);
}

void add_to(AuditEvent& event, const CertificateIdentity* certificate) {
  if (certificate == nullptr) return;
  event.with("key_id", certificate->key_id).with("serial", certificate->serial).with("ca", certificate->authority);
}

/// Whether some target wants the password that the client has typed.
bool keeps_passwords(const Config& config) {
  return std::any_of(config.targets.begin(), config.targets.end(), [](const auto& entry) {
    const std::vector<Credential>& credentials = entry.second.credentials;
    return std::any_of(credentials.begin(), credentials.end(),
                       [](const Credential& credential) { return credential.kind == Credential::Kind::password; });
  });
}

}  // namespace

Login::Login(ssh::LoopIo& io, ssh::LoopIo& away, LoginContext context, AuthServices& services, Client client, net::Fd fd,
             log::Records& records, LoginEvents& owner)
    : io_(io),
      context_(std::move(context)),
      services_(services),
      records_(records),
      block_(std::move(client.block)),
      events_(owner),
      owner_(owner),
      chains_(context_.config->auth.methods),
      connection_(io, away, context_.server, std::move(fd), *this) {
  connection_.can_continue(chains_.can_continue());
  client_.id = client.id;
  client_.source = std::move(client.source);
  client_.local = std::move(client.local);
  AuditEvent event("connect");
  event.with("connection", client_.id)
      .with("source", client_.source.address)
      .with("port", static_cast<std::uint64_t>(client_.source.port));
  log::Records::Note note = this->note();
  if (client.inner) {
    client_.outer = client.inner->outer;
    default_target_ = std::move(client.inner->asked_target);
    note.info("conn={} accepted source={}:{} outer={} target={}", client_.id, client_.source.address, client_.source.port,
              *client_.outer, escaped(default_target_));
    event.with("outer", *client_.outer).with("target", default_target_);
  } else {
    note.info("conn={} accepted source={}:{}", client_.id, client_.source.address, client_.source.port);
  }
  note.record(event);
}

Login::~Login() { *given_up_ = true; }

// ---- methods

void Login::on_userauth(const UserauthRequest& request) {
  if (attempt_ != nullptr && attempt_->wants_new_password() && request.new_password != nullptr) return change_password(request);
  give_up_attempt();
  request_ = request;
  heard_ = io_.clock().now();
  if (request.method == Method::none) return connection_.reject();  // the client asks again what there is
  const auto name = route::parse_login_name(request.user, context_.config->server.login_separator);
  if (!name) return reject_later(name.error().detail);
  if (route::is_left_behind(*context_.config, name->user)) return reject_later("the user name is that of a file left behind");
  client_.user = name->user;
  client_.asked_target = name->target.value_or(default_target_);
  if (!chains_.allows(request.method_name)) return reject("this method is not allowed now");
  if (request.method != Method::publickey) return start_attempt();
  if (!request.key) return reject("the key or its signature can't be used");
  // A client asks with a key first and then signs with the same: one look-up serves both.
  if (known_key_ && known_key_->blob == request.key->blob) return decide();
  look_up_key();
}

void Login::start_attempt() {
  // Keys still work: whoever guesses passwords must not be able to lock the user out.
  if (services_.failures.locked(client_.user, heard_)) return reject_later(kLocked);
  attempt_ = make_attempt();
  if (attempt_ == nullptr) return reject_later("the configuration has nothing to check it with");
  answered_ = request_.password != nullptr;
  attempt_->start();
}

void Login::change_password(const UserauthRequest& request) {
  request_ = request;
  heard_ = io_.clock().now();
  std::vector<SecretString> passwords;
  passwords.push_back(request.password->copy());
  passwords.push_back(request.new_password->copy());
  attempt_->answer(std::move(passwords));
}

pam::Start Login::pam_start() const { return {context_.config->auth.pam_service, client_.user, client_.source.address, true}; }

std::unique_ptr<AuthAttempt> Login::make_attempt() {
  const AuthSettings& auth = context_.config->auth;
  AuthAttemptEvents& events = *this;
  if (request_.new_password != nullptr) return nullptr;  // nobody has asked for one
  if (!auth.pam_service.empty())
    return std::make_unique<PamAttempt>(services_.pam, client_.id, pam_start(), request_.password, events);
  FileFactors factors{services_.checks, context_.config, services_.codes, client_.user};
  if (request_.method == Method::password) {
    if (auth.password_file.empty()) return nullptr;
    return std::make_unique<PasswordFileAttempt>(std::move(factors), request_.password, events);
  }
  const FileQuestionsAttempt::Asks asks{
      .password = !auth.password_file.empty() && !chains_.has_passed("password"),  // once is enough
      .code = !auth.totp_file.empty(),
  };
  return std::make_unique<FileQuestionsAttempt>(std::move(factors), asks, events);
}

void Login::on_info_response(std::vector<SecretString> answers) {
  heard_ = io_.clock().now();
  if (attempt_ == nullptr) return connection_.reject();
  answered_ = true;
  attempt_->answer(std::move(answers));
}

void Login::on_outcome(AuthOutcome outcome) {
  io_.loop().retire(std::move(attempt_));  // it is on the stack
  const TimePoint now = io_.clock().now();
  const bool accepted = outcome.kind == AuthOutcome::Kind::accepted;
  // Attempts that were under way when the limit was reached don't count: there may be hundreds at a time.
  if (accepted && services_.failures.locked(client_.user, now)) {
    io_.loop().retire(std::move(outcome.pam));  // it may be on the stack as well
    return reject_later(kLocked);
  }
  if (outcome.kind == AuthOutcome::Kind::refused) services_.failures.add(client_.user, now);
  if (outcome.kind == AuthOutcome::Kind::unavailable) {
    note().error("conn={} {} unavailable reason=\"{}\"", client_.id, request_.method_name, escaped(outcome.reason));
  }
  if (!accepted) return reject_later(outcome.reason);
  second_factor_ = second_factor_ || outcome.second_factor;
  if (outcome.password != nullptr && keeps_passwords(*context_.config)) client_.password = std::move(outcome.password);
  if (outcome.pam != nullptr) pam_ = std::move(outcome.pam);
  passed();
}

void Login::give_up_attempt() {
  if (attempt_ == nullptr) return;
  attempt_.reset();
  // Else the right password could be found out by giving up behind the question that follows it.
  if (answered_) services_.failures.add(client_.user, io_.clock().now());
  record_failure("the client gave it up");
}

void Login::passed() {
  chains_.pass(request_.method_name);
  if (chains_.complete()) return admit();
  note().info("conn={} passed user={} method={} source={}:{}", client_.id, escaped(client_.user), request_.method_name,
              client_.source.address, client_.source.port);
  connection_.can_continue(chains_.can_continue());
  connection_.pass();
}

void Login::admit() {
  client_.method = chains_.text();
  client_.mfa = second_factor_ || (chains_.has_passed("publickey") && chains_.passed().size() > 1);
  auto place = owner_.place_of(client_.user);
  if (!place) {
    turned_away_ = true;
    record_failure(place.error().detail);
    return connection_.disconnect(DisconnectReason::too_many_connections, place.error().detail);
  }
  client_.held.push_back(std::move(*place));
  context_.config->auth.pam_service.empty() ? let_in() : open_pam_session();
}

void Login::open_pam_session() {
  const auto say = [this](std::string_view text) { connection_.show(text); };
  opening_ = std::make_unique<PamSession>(
      services_.pam, client_.id, pam_start(), std::move(pam_), say, [this](Result<std::unique_ptr<PamHelper>> opened) {
        io_.loop().retire(std::move(opening_));  // it is on the stack
        if (opened) {
          client_.held.push_back(services_.sessions.keep(std::move(*opened)));
          return let_in();
        }
        const bool denied = opened.error().code == Errc::denied;
        if (!denied) note().error("conn={} session unavailable reason=\"{}\"", client_.id, escaped(opened.error().detail));
        record_failure(opened.error().detail);
        connection_.disconnect(DisconnectReason::by_application,
                               denied ? "This account may not log in now" : "Logins of this kind are not possible now");
      });
}

void Login::let_in() {
  record_pass();
  connection_.accept();
}

// ---- keys

void Login::look_up_key() {
  struct Search {
    std::shared_ptr<const Config> config;
    auth::KeyQuery query;
    std::shared_ptr<const std::atomic<bool>> given_up;
    KeyVerdict verdict;
  };
  auto search = std::make_shared<Search>();
  search->config = context_.config;
  search->given_up = given_up_;
  search->verdict.unavailable = true;  // until it is known
  search->query = {client_.user, request_.key->blob, client_.source.address, std::chrono::system_clock::now(), {}};
  look_up_ = services_.look_ups.work(
      [search] { search->verdict = app::look_up_key(*search->config, search->query, *search->given_up); },
      [this, search] {
        look_up_.reset();
        const KeyVerdict& verdict = search->verdict;
        for (const KeyWarning& warning : verdict.warnings)
          note().warn("conn={} key file {}:{}: {}", client_.id, escaped(warning.file), warning.line, escaped(warning.reason));
        if (verdict.unavailable) {
          note().warn("conn={} keys unavailable user={} reason=\"{}\"", client_.id, escaped(client_.user),
                      escaped(verdict.refusal));
          return reject("the user's keys are unavailable");  // no verdict: the signature is another question
        }
        known_key_ = KnownKey{request_.key->blob, std::move(search->verdict)};
        decide();
      });
}

void Login::decide() {
  UserauthRequest::PublicKey& key = *request_.key;
  const KeyVerdict& verdict = known_key_->verdict;
  if (!verdict.fingerprint.empty()) key.fingerprint = verdict.fingerprint;  // of a certificate's key, as ssh-keygen -l shows it
  if (!verdict.grant) return reject(verdict.refusal);
  if (!key.is_signed) return connection_.offer_ok();
  const LoginGrant& grant = *verdict.grant;
  const bool security_key = key.algorithm.starts_with("sk-");
  if (security_key && grant.touch_required && !key.user_present) return reject("the security key was not touched");
  if (security_key && grant.verify_required && !key.user_verified) return reject("the security key's user was not verified");
  client_.grant = grant;
  client_.fingerprint = key.fingerprint;
  client_.key = key.blob;
  passed();
}

// ---- refusals and the record

void Login::reject(std::string_view why) {
  record_failure(why);
  connection_.reject();
}

void Login::reject_later(std::string_view why) {
  record_failure(why);
  const TimePoint due = heard_ + context_.config->auth.failure_delay;
  delay_ = io_.clock().after(std::max(Duration{0}, due - io_.clock().now()), [this] {
    const auto timer = std::move(delay_);
    connection_.reject();
  });
}

void Login::record_failure(std::string_view why) {
  if (!turned_away_) ++failures_;
  log::Records::Note note = this->note();
  if (turned_away_) {
    note.info("conn={} login refused user=\"{}\" source={} port={} method={} reason=\"{}\"", client_.id, escaped(request_.user),
              client_.source.address, client_.source.port, client_.method, escaped(why));
  } else if (request_.is_offer) {  // clients offer all the keys that they have: a refused one is no failed login
    note.info("conn={} key not accepted user=\"{}\" key={} reason=\"{}\"{}", client_.id, escaped(request_.user),
              request_.key ? request_.key->fingerprint : std::string("none"), escaped(why), shown(certificate_of_request()));
  } else {
    only_offers_ = false;
    record_refusal(note, request_.method_name, why);
  }
  AuditEvent event("auth");
  event.with("connection", client_.id).with("login", request_.user).with("method", request_.method_name);
  event.with("key", request_.key ? std::string_view(request_.key->fingerprint) : std::string_view());
  event.with("success", false).with("reason", why);
  add_to(event, certificate_of_request());
  note.record(event);
}

void Login::record_refusal(log::Records::Note& note, std::string_view method, std::string_view why) {
  // One line for each failed attempt, which programs such as fail2ban look for: don't change what stands in front of
  // the reason. The name is quoted, so that nobody can write a source of their choice into it.
  note.info("conn={} authentication refused user=\"{}\" source={} port={} method={} reason=\"{}\"{}", client_.id,
            escaped(request_.user), client_.source.address, client_.source.port, escaped(method), escaped(why),
            shown(certificate_of_request()));
}

void Login::record_pass() {
  const auto& certificate = client_.grant.certificate;
  records_.log().info("conn={} authenticated user={} method={} key={} source={}:{}{}", client_.id, escaped(client_.user),
                      client_.method, client_.fingerprint, client_.source.address, client_.source.port,
                      shown(certificate ? &*certificate : nullptr));
  AuditEvent event("auth");
  event.with("connection", client_.id).with("login", request_.user).with("method", client_.method);
  // The event "connect" may be one of those that were left out.
  event.with("source", client_.source.address).with("port", client_.source.port);
  event.with("key", client_.fingerprint).with("success", true).with("mfa", client_.mfa);
  add_to(event, certificate ? &*certificate : nullptr);
  records_.audit().record(event);
  records_.note_login(block_);
}

const CertificateIdentity* Login::certificate_of_request() const {
  if (!request_.key || !known_key_ || known_key_->blob != request_.key->blob) return nullptr;
  return known_key_->verdict.certificate ? &*known_key_->verdict.certificate : nullptr;
}

// ---- the end

void Login::on_logged_in(std::unique_ptr<Transport> transport) {
  route::RouteQuery query{client_.user, std::nullopt, client_.source.address, client_.mfa,
                          config::local_week_time(std::chrono::system_clock::now())};
  if (!client_.asked_target.empty()) query.target = client_.asked_target;
  // A client without a route is let in, and told so on its first channel: earlier there is nowhere to say it.
  if (auto decision = route::Router(context_.config).route(query)) {
    client_.decision = std::move(*decision);
  } else {
    client_.refusal = decision.error().detail;
  }
  const ConnectionInfo info = connection_.info();
  records_.log().debug("conn={} negotiated kex={} cipher={}/{} strict_kex={} peer={}", client_.id, info.kex, info.cipher_in,
                       info.cipher_out, info.strict_kex, escaped(info.peer_identification));
  if (!is_puzzled_by_host_keys(info.peer_identification)) client_.host_keys = context_.host_keys;
  client_.host_key_algorithm = info.host_key;
  end();
  events_.end(&LoginEvents::on_login, std::move(client_), std::move(transport));
}

void Login::on_failed(const Error& why) {
  const bool answering = attempt_ != nullptr && answered_;
  if (answering) give_up_attempt();
  log::Records::Note note = this->note();
  if (!answering && failures_ > 0 && only_offers_) {
    record_refusal(note, "publickey", why.detail);  // none of the keys was the user's, whatever was passed beside them
  }
  note.info("conn={} closed before login source={}:{} reason=\"{}\"", client_.id, client_.source.address, client_.source.port,
            escaped(why.detail));
  note.record(AuditEvent("close").with("connection", client_.id).with("reason", why.detail));
  end();
  events_.end(&LoginEvents::on_login_failed, *this, offence_of(why));
}

// It is freed on a later turn, and what is under way for it could have an outcome on this one. Nothing of that is on the stack.
void Login::end() {
  *given_up_ = true;
  look_up_.reset();
  delay_.reset();
  attempt_.reset();
  opening_.reset();
}

auth::Offence Login::offence_of(const Error& why) const {
  if (turned_away_) return auth::Offence::none;  // it was all right, but for us
  switch (why.code) {
    case Errc::timeout: return auth::Offence::grace_exceeded;
    case Errc::protocol:
    case Errc::limit: return auth::Offence::crash;
    default: return failures_ > 0 ? auth::Offence::auth_failure : auth::Offence::no_auth;
  }
}

}  // namespace sallyport::app
