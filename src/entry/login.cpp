#include "entry/login.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "entry/own_host_keys.hpp"
#include "route/login_name.hpp"

namespace sallyport::entry {

using Method = UserauthRequest::Method;

namespace {

/// Whether some target wants the password that the client has typed.
bool keeps_passwords(const Config& config) {
  return std::any_of(config.targets.begin(), config.targets.end(), [](const auto& entry) {
    const std::vector<Credential>& credentials = entry.second.credentials;
    return std::any_of(credentials.begin(), credentials.end(),
                       [](const Credential& credential) { return credential.kind == Credential::Kind::password; });
  });
}

}  // namespace

Login::Login(const LoginServices& services, LoginContext context, Client client, net::Fd fd, LoginEvents& owner)
    : services_(services),
      context_(std::move(context)),
      events_(owner),
      block_(std::move(client.block)),
      chains_(context_.config->auth.methods),
      identity_(services.identities.check({client.id, client.source.address, context_.config}, *this)),
      server_(context_.serve(std::move(fd), *this)) {
  server_->can_continue(chains_.can_continue());
  client_.id = client.id;
  client_.source = std::move(client.source);
  client_.local = std::move(client.local);
  client_.held.push_back(std::move(client.place));
  services_.journal.tell(facts::ConnectionAccepted{stranger(), client.inner ? &*client.inner : nullptr});
  if (client.inner) {
    client_.outer = client.inner->outer;
    default_target_ = std::move(client.inner->asked_target);
  }
}

// ---- methods

void Login::on_userauth(const UserauthRequest& request) {
  // What has been passed so far has been passed by that name. ssh/ refuses a change before it comes here.
  if (!request_.user.empty() && request.user != request_.user)
    return server_->disconnect(DisconnectReason::protocol_error, "change of user name not allowed");
  if (attempt_ == Attempt::new_password && request.new_password != nullptr) return change_password(request);
  give_up_attempt();
  request_ = request;
  heard_ = services_.clock.now();
  if (request.method == Method::none) return server_->reject();  // the client asks again what there is
  const auto name = route::parse_login_name(request.user, context_.config->server.login_separator);
  if (!name) return reject_later(name.error().detail);
  if (route::is_left_behind(*context_.config, name->user)) return reject_later("the user name is that of a file left behind");
  client_.user = name->user;
  client_.asked_target = name->target.value_or(default_target_);
  if (!chains_.allows(request.method_name)) return reject("this method is not allowed now");
  if (request.method != Method::publickey) return begin_attempt();
  if (!request.key) return reject("the key or its signature can't be used");
  // A client asks with a key first and then signs with the same: one look-up serves both.
  if (known_key_ && known_key_->blob == request.key->blob) return decide();
  identity_->look_up_key(client_.user, request.key->blob);
}

void Login::begin_attempt() {
  if (request_.new_password != nullptr) return reject_later("nobody has asked for a new password");
  attempt_ = request_.password != nullptr ? Attempt::answered : Attempt::begun;
  identity_->begin_attempt({client_.user, request_.password, chains_.has_passed("password")});
}

void Login::on_password_change(std::string prompt) {
  attempt_ = Attempt::new_password;
  server_->ask_new_password(prompt);
}

void Login::change_password(const UserauthRequest& request) {
  request_ = request;
  heard_ = services_.clock.now();
  attempt_ = Attempt::answered;
  std::vector<SecretString> passwords;
  passwords.push_back(request.password->copy());
  passwords.push_back(request.new_password->copy());
  identity_->answer(std::move(passwords));
}

void Login::on_info_response(std::vector<SecretString> answers) {
  heard_ = services_.clock.now();
  if (attempt_ == Attempt::none) return server_->reject();
  attempt_ = Attempt::answered;
  identity_->answer(std::move(answers));
}

void Login::on_outcome(AttemptOutcome outcome) {
  attempt_ = Attempt::none;
  if (outcome.kind == AttemptOutcome::Kind::unavailable)
    services_.journal.tell(facts::IdentityUnavailable{stranger(), request_.method_name, outcome.reason});
  if (outcome.kind != AttemptOutcome::Kind::accepted) return reject_later(outcome.reason);
  second_factor_ = second_factor_ || outcome.second_factor;
  if (outcome.password != nullptr && keeps_passwords(*context_.config)) client_.password = std::move(outcome.password);
  passed();
}

void Login::give_up_attempt() {
  if (std::exchange(attempt_, Attempt::none) == Attempt::none) return;
  identity_->give_up_attempt();
  note_refused("the client gave it up");
}

void Login::passed() {
  chains_.pass(request_.method_name);
  if (chains_.complete()) return admit();
  services_.journal.tell(facts::MethodPassed{stranger(), client_.user, request_.method_name});
  server_->can_continue(chains_.can_continue());
  server_->pass();
}

void Login::admit() {
  client_.method = chains_.text();
  client_.mfa = second_factor_ || (chains_.has_passed("publickey") && chains_.passed().size() > 1);
  auto place = services_.admitter.place_of(client_.user);
  if (!place) {
    refusals_.note_turned_away();
    services_.journal.tell(facts::LoginTurnedAway{stranger(), attempt_of_request(), client_.method, place.error().detail});
    return server_->disconnect(DisconnectReason::too_many_connections, place.error().detail);
  }
  client_.held.push_back(std::move(*place));
  identity_->open_session(client_.user);
}

void Login::on_session(Result<MachineSession> session) {
  if (session) {
    client_.held.push_back(std::move(*session));
    const auto& certificate = client_.grant.certificate;
    services_.journal.tell(facts::Authenticated{stranger(), request_.user, client_.user, client_.method, client_.fingerprint,
                                                client_.mfa, certificate ? &*certificate : nullptr});
    return server_->accept();
  }
  const bool denied = session.error().code == Errc::denied;
  if (!denied) services_.journal.tell(facts::IdentityUnavailable{stranger(), "session", session.error().detail});
  note_refused(session.error().detail);
  server_->disconnect(DisconnectReason::by_application,
                      denied ? "This account may not log in now" : "Logins of this kind are not possible now");
}

// ---- keys

void Login::on_key(KeyVerdict verdict) {
  for (const KeyWarning& warning : verdict.warnings) services_.journal.tell(facts::KeyFileFaulty{stranger(), warning});
  if (verdict.unavailable) {  // no verdict: the signature is another question
    services_.journal.tell(facts::KeysUnavailable{stranger(), client_.user, verdict.refusal});
    return reject("the user's keys are unavailable");
  }
  known_key_ = KnownKey{request_.key->blob, std::move(verdict)};
  decide();
}

void Login::decide() {
  UserauthRequest::PublicKey& key = *request_.key;
  const KeyVerdict& verdict = known_key_->verdict;
  if (!verdict.fingerprint.empty()) key.fingerprint = verdict.fingerprint;  // of a certificate's key, as ssh-keygen -l shows it
  if (!verdict.grant) return reject(verdict.refusal);
  if (!key.is_signed) return server_->offer_ok();
  const LoginGrant& grant = *verdict.grant;
  const bool security_key = key.algorithm.starts_with("sk-");
  if (security_key && grant.touch_required && !key.user_present) return reject("the security key was not touched");
  if (security_key && grant.verify_required && !key.user_verified) return reject("the security key's user was not verified");
  client_.grant = grant;
  client_.fingerprint = key.fingerprint;
  client_.key = key.blob;
  passed();
}

const CertificateIdentity* Login::certificate_of_request() const {
  if (!request_.key || !known_key_ || known_key_->blob != request_.key->blob) return nullptr;
  return known_key_->verdict.certificate ? &*known_key_->verdict.certificate : nullptr;
}

// ---- refusals

void Login::note_refused(std::string_view why) {
  refusals_.note(request_.is_offer);
  services_.journal.tell(facts::AttemptRefused{stranger(), attempt_of_request(), why});
}

facts::Attempt Login::attempt_of_request() const {
  const std::string_view key = request_.key ? std::string_view(request_.key->fingerprint) : std::string_view();
  return {request_.user, request_.method_name, key, request_.is_offer, certificate_of_request()};
}

void Login::reject(std::string_view why) {
  note_refused(why);
  server_->reject();
}

void Login::reject_later(std::string_view why) {
  note_refused(why);
  const TimePoint due = heard_ + context_.config->auth.failure_delay;
  delay_ = services_.clock.after(std::max(Duration{0}, due - services_.clock.now()), [this] {
    const auto timer = std::move(delay_);
    server_->reject();
  });
}

// ---- the end

void Login::on_logged_in(std::unique_ptr<Transport> transport) {
  const ConnectionInfo info = server_->info();
  services_.journal.tell(facts::ConnectionNegotiated{client_.id, info});
  if (!is_puzzled_by_host_keys(info.peer_identification)) client_.host_keys = context_.host_keys;
  client_.host_key_algorithm = info.host_key;
  end();
  services_.admitter.admit(std::move(client_), std::move(transport), context_.config);
  events_.end(&LoginEvents::on_login, *this);
}

void Login::on_failed(const Error& why) {
  if (attempt_ == Attempt::answered || attempt_ == Attempt::new_password) give_up_attempt();
  services_.journal.tell(facts::LoginFailed{stranger(), attempt_of_request(), refusals_.only_offers(), why});
  end();
  client_.held.clear();  // its places are free at once
  events_.end(&LoginEvents::on_login_failed, *this, refusals_.offence_of(why));
}

// It is freed on a later turn, and what is under way for it could have an outcome on this one. Nothing of that is on the stack.
void Login::end() {
  delay_.reset();
  identity_.reset();
}

}  // namespace sallyport::entry
