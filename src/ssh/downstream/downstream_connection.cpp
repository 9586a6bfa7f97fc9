#include "ssh/downstream/downstream_connection.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <utility>

#include "ssh/downstream/signature_cost.hpp"
#include "ssh/keys/algorithms.hpp"
#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

constexpr std::uint8_t kUserPresent = 1;
constexpr std::uint8_t kUserVerified = 4;

using Method = UserauthRequest::Method;

Method method_of(const UserauthPacket& packet) {
  if (packet.is_publickey()) return Method::publickey;
  if (packet.method == "none") return Method::none;
  if (packet.method == "password") return Method::password;
  if (packet.method == "keyboard-interactive") return Method::keyboard_interactive;
  return Method::other;
}

/// Whether the request can be a login at all.
bool is_proof(const UserauthRequest& request) {
  switch (request.method) {
    case Method::publickey: return request.key && request.key->is_signed;
    case Method::password:
    case Method::keyboard_interactive: return true;
    case Method::none:
    case Method::other: break;
  }
  return false;
}

// libssh has verified the signature, but not that its type and the key's are those that the request names.
bool is_sound(const UserauthPacket& packet, ssh_message message) {
  const UserKeyAlgorithm* algorithm = user_key_algorithm(packet.algorithm);
  if (algorithm == nullptr || packet.blob_type() != algorithm->blob_type) return false;
  if (!packet.has_signature) return true;
  return spssh_signature_valid(message) != 0 && packet.signature_algorithm == algorithm->signature;
}

UserauthRequest::PublicKey key_of(const UserauthPacket& packet, ssh_message message) {
  UserauthRequest::PublicKey key;
  key.algorithm = packet.algorithm;
  key.blob = packet.blob;
  key.fingerprint = fingerprint_of(packet.blob);
  key.is_signed = packet.has_signature && spssh_signature_valid(message) != 0;
  key.user_present = (packet.sk_flags.value_or(0) & kUserPresent) != 0;
  key.user_verified = (packet.sk_flags.value_or(0) & kUserVerified) != 0;
  return key;
}

}  // namespace

DownstreamConnection::DownstreamConnection(LoopIo& io, std::shared_ptr<const ServerContext> context, net::Fd fd,
                                           UserauthEvents& events)
    : io_(io), context_(std::move(context)), events_(events), can_continue_(context_->options().methods) {
  const auto begun = begin(std::move(fd));
  if (begun) return;
  connection_.reset();
  // Never inside the constructor: told on the next turn.
  failed_early_ = io_.clock().after(Duration{0}, [this, why = begun.error()]() mutable {
    const Error told = std::move(why);  // what has it may go with this
    events_.end(&UserauthEvents::on_failed, told);
  });
}

DownstreamConnection::~DownstreamConnection() = default;

Result<> DownstreamConnection::begin(net::Fd fd) {
  auto session = new_session();
  if (!session) return fail(session.error());
  const ServerOptions& options = context_->options();
  if (options.rekey_data > 0 && ssh_options_set(session->get(), SSH_OPTIONS_REKEY_DATA, &options.rekey_data) != SSH_OK) {
    return fail(Errc::config, "can't set the rekey limit");
  }
  // The descriptor means nothing to our socket layer.
  if (ssh_bind_accept_fd(context_->bind(), session->get(), SSH_INVALID_SOCKET) != SSH_OK) {
    return fail(Errc::io, session_error(session->get(), "accept the connection"));
  }
  ssh_session raw = session->get();
  connection_ = std::make_unique<SshTransport>(io_, std::move(*session), Role::server, static_cast<LoginDriver&>(*this));
  if (auto started = connection_->start(std::move(fd), ""); !started) return started;
  for (const auto& key : context_->ecdsa_keys()) {
    if (spssh_add_ecdsa_key(raw, key.get()) != 0) return fail(Errc::limit, "no memory for a host key");
  }
  if (ssh_handle_key_exchange(raw) == SSH_ERROR) {
    return fail(Errc::protocol, session_error(raw, "begin the key exchange"));
  }
  grace_ = io_.clock().after(options.login_grace_time, [this] {
    end({Errc::timeout, "no login within the grace time"}, DisconnectReason::by_application, "login grace time is over");
  });
  return {};
}

// --- answers -----------------------------------------------------------------------------------------------------

void DownstreamConnection::accept() {
  if (!waits_for_answer()) return;
  if (!is_proof(*request_) || !message_) return reject();
  request_.reset();
  const MessageHandle message = std::move(message_);
  if (ssh_message_auth_reply_success(message.get(), 0) != SSH_OK) {
    return connection_->die(Error{Errc::io, "the login could not be confirmed"});
  }
  logged_in_ = true;
  connection_->call_driver_when_sent();  // still held: what follows belongs to the transport's user
}

void DownstreamConnection::pass() {
  if (!waits_for_answer()) return;
  if (!is_proof(*request_)) return reject();
  done_with(userauth_failure_packet(can_continue_, true));
}

void DownstreamConnection::reject() {
  if (!waits_for_answer()) return;
  const bool counts = request_->method != Method::none;
  request_.reset();
  message_.reset();
  refuse(counts ? Counts::yes : Counts::no);
  connection_->release();
}

void DownstreamConnection::offer_ok() {
  if (!waits_for_answer()) return;
  if (!request_->key || request_->key->is_signed) return reject();
  good_offer_ = request_->key->fingerprint;
  done_with(pk_ok_packet(request_->key->algorithm, request_->key->blob));
}

void DownstreamConnection::ask(const InfoRequest& questions) {
  if (!waits_for_answer()) return;
  if (request_->method != Method::keyboard_interactive) return reject();
  asked_ = true;
  spssh_expect_info_response(connection_->session(), 1);
  connection_->send_login_message(info_request_packet(questions));
  connection_->release();
}

void DownstreamConnection::ask_new_password(std::string_view prompt) {
  if (!waits_for_answer()) return;
  if (request_->method != Method::password) return reject();
  done_with(password_change_packet(prompt));
}

void DownstreamConnection::done_with(const Bytes& packet) {
  request_.reset();
  message_.reset();
  connection_->send_login_message(packet);
  connection_->release();
}

void DownstreamConnection::refuse(Counts counts) {
  if (counts == Counts::yes && !count_try()) return;
  connection_->send_login_message(userauth_failure_packet(can_continue_, false));
}

bool DownstreamConnection::count_try() {
  if (++tries_ < context_->options().max_auth_tries) return true;
  end({Errc::denied, "too many authentication failures"}, DisconnectReason::no_more_auth_methods,
      "Too many authentication failures");
  return false;
}

void DownstreamConnection::can_continue(std::vector<std::string> methods) { can_continue_ = std::move(methods); }

void DownstreamConnection::show(std::string_view text) {
  if (!connection_ || logged_in_) return;
  while (!text.empty()) connection_->send_login_message(banner_packet(take_banner_piece(text)));
}

void DownstreamConnection::disconnect(DisconnectReason reason, std::string_view text) {
  if (connection_) connection_->disconnect(reason, text);
}

void DownstreamConnection::end(Error why, DisconnectReason reason, std::string_view text) {
  if (!why_ended_) why_ended_ = std::move(why);
  connection_->disconnect(reason, text);
}

ConnectionInfo DownstreamConnection::info() const { return connection_ ? connection_->info() : info_; }

// --- what the client says ----------------------------------------------------------------------------------------

// As with sshd, who can't be let in has no costly signature verified: the key must have been offered, and be good.
bool DownstreamConnection::on_userauth_packet(ByteView payload) {
  heard_.request = true;
  heard_.packet = parse_userauth(payload);
  if (!heard_.packet || !heard_.packet->has_signature || !is_costly_to_verify(heard_.packet->blob)) return true;
  return !good_offer_.empty() && good_offer_ == fingerprint_of(heard_.packet->blob);
}

void DownstreamConnection::on_info_response_packet(ByteView payload) {
  if (!asked_) return;  // libssh's filter lets none through
  heard_.response = true;
  response_ = parse_info_response(payload);
}

void DownstreamConnection::on_progress() {
  ssh_session session = connection_->session();
  if (spssh_phase(session) == SPSSH_HANDSHAKE) return check_strictness();
  if (spssh_phase(session) != SPSSH_AUTHENTICATING) return;
  if (std::exchange(heard_.response, false)) return take_response();
  MessageHandle message{spssh_next_message(session)};
  if (std::exchange(heard_.request, false)) return take_request(std::move(message));
  if (message && ssh_message_type(message.get()) == SSH_REQUEST_SERVICE) accept_service(message);
}

void DownstreamConnection::check_strictness() {
  const bool required = context_->options().algorithms.require_strict_kex.value_or(false);
  if (!required || spssh_strict_kex(connection_->session()) != SPSSH_NOT_STRICT) return;
  end({Errc::unavailable, "the client doesn't know strict key exchange, which is required"}, DisconnectReason::protocol_error,
      "strict key exchange is required here");
}

void DownstreamConnection::accept_service(const MessageHandle& message) {
  const char* service = ssh_message_service_service(message.get());
  if (service == nullptr || std::string_view{service} != "ssh-userauth") {
    return connection_->disconnect(DisconnectReason::service_not_available, "service not available");
  }
  if (ssh_message_service_reply_success(message.get()) != SSH_OK) {
    connection_->die(Error{Errc::io, "the service could not be accepted"});
  }
}

void DownstreamConnection::take_response() {
  if (!response_) return connection_->disconnect(DisconnectReason::protocol_error, "malformed information response");
  no_more_questions();
  connection_->hold();
  connection_->call_driver();
}

void DownstreamConnection::no_more_questions() {
  asked_ = false;
  spssh_expect_info_response(connection_->session(), 0);
}

void DownstreamConnection::take_request(MessageHandle message) {
  auto packet = std::exchange(heard_.packet, std::nullopt);
  if (!packet) {
    return connection_->disconnect(DisconnectReason::protocol_error, "malformed authentication request");
  }
  if (packet->service != "ssh-connection" || (user_ && *user_ != packet->user)) {
    return connection_->disconnect(DisconnectReason::protocol_error, "change of user name or service not allowed");
  }
  const bool is_first = !user_;
  user_ = packet->user;
  if (is_first) show(context_->options().banner);
  if (asked_) {  // RFC 4256, 3.1: the client has given up what it was asked about
    no_more_questions();
    if (!count_try()) return;
  }
  UserauthRequest request;
  request.user = packet->user;
  request.method = method_of(*packet);
  if (is_first && request.method == Method::none) return refuse(Counts::no);
  request.method_name = request.method == Method::publickey ? "publickey" : packet->method;
  if (request.method == Method::publickey && message && is_sound(*packet, message.get())) {
    request.key = key_of(*packet, message.get());
  }
  request.is_offer = request.method == Method::publickey && !packet->has_signature;
  request.password = std::move(packet->password);
  request.new_password = std::move(packet->new_password);
  request_ = std::move(request);
  message_ = std::move(message);
  connection_->hold();
  connection_->call_driver();
}

// --- what there is to tell ---------------------------------------------------------------------------------------

void DownstreamConnection::on_turn() {
  if (logged_in_) {
    grace_.reset();
    info_ = connection_->info();
    connection_->hand_over();
    return events_.end(&UserauthEvents::on_logged_in, std::unique_ptr<Transport>(std::move(connection_)));
  }
  if (response_) {
    std::vector<SecretString> answers = *std::exchange(response_, std::nullopt);
    return events_.tell(&UserauthEvents::on_info_response, std::move(answers));
  }
  if (request_) {
    const UserauthRequest request = *request_;  // an answer inside takes the original
    events_.tell(&UserauthEvents::on_userauth, request);
  }
}

void DownstreamConnection::on_dead(const Error& why) {
  grace_.reset();
  request_.reset();
  response_.reset();
  message_.reset();
  Error told = why_ended_.value_or(why);
  if (!why_ended_ && why.detail.find("no match for method") != std::string::npos) told.code = Errc::unavailable;
  events_.end(&UserauthEvents::on_failed, told);
}

}  // namespace sallyport::ssh
