#include "ssh/downstream/downstream_connection.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <set>
#include <utility>

#include <sallyport/told_once.hpp>

#include "ssh/downstream/signature_cost.hpp"
#include "ssh/downstream/userauth_packet.hpp"
#include "ssh/keys/algorithms.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/ssh_transport.hpp"

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

Result<> set_option(const BindHandle& bind, ssh_bind_options_e option, const void* value, const char* what) {
  if (ssh_bind_options_set(bind.get(), option, value) == SSH_OK) return {};
  return fail(Errc::config, std::string{"can't set "} + what);
}

}  // namespace

Result<std::shared_ptr<const ServerContext>> ServerContext::make(const HostKeys& keys, ServerOptions options) {
  ensure_libssh();
  if (auto checked = check_algorithms(options.algorithms); !checked) return fail(checked.error());
  BindHandle bind{ssh_bind_new()};
  if (!bind) return fail(Errc::limit, "no memory for a server");
  const Algorithms& wanted = options.algorithms;
  const std::string kex = name_list(wanted.kex.value_or(default_kex()));
  const std::string ciphers = name_list(wanted.ciphers.value_or(default_ciphers()));
  const std::string macs = name_list(wanted.macs.value_or(default_macs()));
  const std::string host_keys = name_list(wanted.host_keys.value_or(default_host_keys()));
  const std::string user_keys = name_list(user_signature_algorithms());
  const bool no_files = false;
  const struct {
    ssh_bind_options_e option;
    const void* value;
    const char* what;
  } settings[] = {
      {SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files, "no configuration files"},
      {SSH_BIND_OPTIONS_BANNER, options.identification.c_str(), "the identification"},
      {SSH_BIND_OPTIONS_KEY_EXCHANGE, kex.c_str(), "key exchange methods"},
      {SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers.c_str(), "ciphers"},
      {SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers.c_str(), "ciphers"},
      {SSH_BIND_OPTIONS_HMAC_C_S, macs.c_str(), "MACs"},
      {SSH_BIND_OPTIONS_HMAC_S_C, macs.c_str(), "MACs"},
      {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, host_keys.c_str(), "host key types"},
      {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, user_keys.c_str(), "user key types"},
  };
  for (const auto& setting : settings) {
    if (auto set = set_option(bind, setting.option, setting.value, setting.what); !set) return fail(set.error());
  }
  std::vector<KeyHandle> ecdsa_keys;
  const Names allowed = wanted.host_keys.value_or(default_host_keys());
  bool fits = false;
  std::set<std::string_view> types;
  for (const auto& entry : keys.keys()) {
    if (!types.insert(entry.type).second) continue;  // as with sshd, the first of a type is the one that is shown
    fits = fits || std::any_of(allowed.begin(), allowed.end(), [&entry](const std::string& name) {
             return name == entry.type || (entry.type == "ssh-rsa" && name.starts_with("rsa-sha2-"));
           });
    if (entry.type.starts_with("ecdsa-")) {
      ecdsa_keys.emplace_back(ssh_key_dup(entry.key.get()));
      if (!ecdsa_keys.back()) return fail(Errc::limit, "no memory for a host key");
    }
    ssh_key copy = ssh_key_dup(entry.key.get());  // the bind owns what it is given
    if (copy == nullptr) return fail(Errc::limit, "no memory for a host key");
    if (ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_IMPORT_KEY, copy) != SSH_OK) {
      ssh_key_free(copy);
      return fail(Errc::config, "host key " + entry.file + " can't be used");
    }
  }
  if (!fits) return fail(Errc::config, "no host key is of a type in host_keys of [algorithms]");
  return std::shared_ptr<const ServerContext>{new ServerContext{std::move(options), std::move(bind), std::move(ecdsa_keys)}};
}

class DownstreamConnection::Impl final : public LoginDriver {
 public:
  Impl(LoopIo& io, std::shared_ptr<const ServerContext> context, UserauthEvents& events)
      : io_(io), context_(std::move(context)), events_(events), can_continue_(context_->options().methods) {}

  void start(net::Fd fd) {
    auto begun = begin(std::move(fd));
    if (begun) return;
    connection_.reset();
    // Never inside the constructor: told on the next turn.
    early_failure_ = begun.error();
    early_timer_ = io_.clock().after(Duration{0}, [this] {
      const Error why = early_failure_;
      events_.end(&UserauthEvents::on_failed, why);
    });
  }

  void accept() {
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

  void pass() {
    if (!waits_for_answer()) return;
    if (!is_proof(*request_)) return reject();
    done_with(userauth_failure_packet(can_continue_, true));
  }

  void reject() {
    if (!waits_for_answer()) return;
    const bool counts = request_->method != Method::none;
    request_.reset();
    message_.reset();
    refuse(counts ? Counts::yes : Counts::no);
    connection_->release();
  }

  void offer_ok() {
    if (!waits_for_answer()) return;
    if (!request_->key || request_->key->is_signed) return reject();
    good_offer_ = request_->key->fingerprint;
    done_with(pk_ok_packet(request_->key->algorithm, request_->key->blob));
  }

  void ask(const InfoRequest& questions) {
    if (!waits_for_answer()) return;
    if (request_->method != Method::keyboard_interactive) return reject();
    asked_ = true;
    spssh_expect_info_response(connection_->session(), 1);
    connection_->send_login_message(info_request_packet(questions));
    connection_->release();
  }

  void ask_new_password(std::string_view prompt) {
    if (!waits_for_answer()) return;
    if (request_->method != Method::password) return reject();
    done_with(password_change_packet(prompt));
  }

  void can_continue(std::vector<std::string> methods) { can_continue_ = std::move(methods); }

  void show(std::string_view text) {
    if (!connection_ || logged_in_) return;
    while (!text.empty()) connection_->send_login_message(banner_packet(take_banner_piece(text)));
  }

  void disconnect(DisconnectReason reason, std::string_view text) {
    if (connection_) connection_->disconnect(reason, text);
  }
  ConnectionInfo info() const { return connection_ ? connection_->info() : info_; }

 private:
  enum class Counts : bool { no, yes };

  bool waits_for_answer() const { return request_ && !asked_ && connection_->is_alive(); }

  /// Answers the request for good.
  void done_with(const Bytes& packet) {
    request_.reset();
    message_.reset();
    connection_->send_login_message(packet);
    connection_->release();
  }

  Result<> begin(net::Fd fd) {
    auto session = new_session();
    if (!session) return fail(session.error());
    const ServerOptions& options = context_->options();
    if (options.rekey_data > 0 && ssh_options_set(session->get(), SSH_OPTIONS_REKEY_DATA, &options.rekey_data) != SSH_OK) {
      return fail(Errc::config, "can't set the rekey limit");
    }
    // The descriptor means nothing to our socket layer.
    if (ssh_bind_accept_fd(context_->bind_.get(), session->get(), SSH_INVALID_SOCKET) != SSH_OK) {
      return fail(Errc::io, session_error(session->get(), "accept the connection"));
    }
    ssh_session raw = session->get();
    connection_ = std::make_unique<SshTransport>(io_, std::move(*session), Role::server, *this);
    if (auto started = connection_->start(std::move(fd), ""); !started) return started;
    for (const auto& key : context_->ecdsa_keys_) {
      if (spssh_add_ecdsa_key(raw, key.get()) != 0) return fail(Errc::limit, "no memory for a host key");
    }
    if (ssh_handle_key_exchange(raw) == SSH_ERROR) {
      return fail(Errc::protocol, session_error(raw, "begin the key exchange"));
    }
    grace_ = io_.clock().after(options.login_grace_time, [this] {
      timed_out_ = true;
      connection_->disconnect(DisconnectReason::by_application, "login grace time is over");
    });
    return {};
  }

  // LoginDriver

  // As with sshd, who can't be let in has no costly signature verified: the key must have been offered, and be good.
  bool on_userauth_packet(ByteView payload) override {
    packet_seen_ = true;
    packet_ = parse_userauth(payload);
    if (!packet_ || !packet_->has_signature || !is_costly_to_verify(packet_->blob)) return true;
    return !good_offer_.empty() && good_offer_ == fingerprint_of(packet_->blob);
  }

  void on_info_response_packet(ByteView payload) override {
    if (!asked_) return;  // libssh's filter lets none through
    response_seen_ = true;
    response_ = parse_info_response(payload);
  }

  void on_progress() override {
    ssh_session session = connection_->session();
    if (spssh_phase(session) == SPSSH_HANDSHAKE) return check_strictness();
    if (spssh_phase(session) != SPSSH_AUTHENTICATING) return;
    if (std::exchange(response_seen_, false)) return take_response();
    MessageHandle message{spssh_next_message(session)};
    if (std::exchange(packet_seen_, false)) return take_request(std::move(message));
    if (message && ssh_message_type(message.get()) == SSH_REQUEST_SERVICE) accept_service(message);
  }

  void check_strictness() {
    const bool required = context_->options().algorithms.require_strict_kex.value_or(false);
    if (!required || spssh_strict_kex(connection_->session()) != SPSSH_NOT_STRICT) return;
    not_strict_ = true;
    connection_->disconnect(DisconnectReason::protocol_error, "strict key exchange is required here");
  }

  void accept_service(const MessageHandle& message) {
    const char* service = ssh_message_service_service(message.get());
    if (service == nullptr || std::string_view{service} != "ssh-userauth") {
      return connection_->disconnect(DisconnectReason::service_not_available, "service not available");
    }
    if (ssh_message_service_reply_success(message.get()) != SSH_OK) {
      connection_->die(Error{Errc::io, "the service could not be accepted"});
    }
  }

  void no_more_questions() {
    asked_ = false;
    spssh_expect_info_response(connection_->session(), 0);
  }

  void take_response() {
    if (!response_) return connection_->disconnect(DisconnectReason::protocol_error, "malformed information response");
    no_more_questions();
    connection_->hold();
    connection_->call_driver();
  }

  // One request, with libssh's view of it: no message means that libssh could not use the key or the signature, and
  // has said nothing to the client.
  void take_request(MessageHandle message) {
    auto packet = std::exchange(packet_, std::nullopt);
    if (!packet) {
      return connection_->disconnect(DisconnectReason::protocol_error, "malformed authentication request");
    }
    if (packet->service != "ssh-connection" || (user_ && *user_ != packet->user)) {
      return connection_->disconnect(DisconnectReason::protocol_error, "change of user name or service not allowed");
    }
    const bool is_first = !user_;
    user_ = packet->user;
    show_banner();
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

  // libssh has verified the signature, but not that its type and the key's are those that the request names.
  static bool is_sound(const UserauthPacket& packet, ssh_message message) {
    const UserKeyAlgorithm* algorithm = user_key_algorithm(packet.algorithm);
    if (algorithm == nullptr || packet.blob_type() != algorithm->blob_type) return false;
    if (!packet.has_signature) return true;
    return spssh_signature_valid(message) != 0 && packet.signature_algorithm == algorithm->signature;
  }

  static UserauthRequest::PublicKey key_of(const UserauthPacket& packet, ssh_message message) {
    UserauthRequest::PublicKey key;
    key.algorithm = packet.algorithm;
    key.blob = packet.blob;
    key.fingerprint = fingerprint_of(packet.blob);
    key.is_signed = packet.has_signature && spssh_signature_valid(message) != 0;
    key.user_present = (packet.sk_flags.value_or(0) & kUserPresent) != 0;
    key.user_verified = (packet.sk_flags.value_or(0) & kUserVerified) != 0;
    return key;
  }

  void show_banner() {
    if (!std::exchange(banner_shown_, true)) show(context_->options().banner);
  }

  /// False when that was the last one, and the connection is being ended.
  bool count_try() {
    if (++tries_ < context_->options().max_auth_tries) return true;
    too_many_ = true;
    connection_->disconnect(DisconnectReason::no_more_auth_methods, "Too many authentication failures");
    return false;
  }

  void refuse(Counts counts) {
    if (counts == Counts::yes && !count_try()) return;
    connection_->send_login_message(userauth_failure_packet(can_continue_, false));
  }

  void on_turn() override {
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

  void on_dead(const Error& why) override {
    grace_.reset();
    request_.reset();
    response_.reset();
    message_.reset();
    Error told = why;
    if (why.detail.find("no match for method") != std::string::npos) told.code = Errc::unavailable;
    if (not_strict_) told = Error{Errc::unavailable, "the client doesn't know strict key exchange, which is required"};
    if (timed_out_) told = Error{Errc::timeout, "no login within the grace time"};
    if (too_many_) told = Error{Errc::denied, "too many authentication failures"};
    events_.end(&UserauthEvents::on_failed, told);
  }

  LoopIo& io_;
  std::shared_ptr<const ServerContext> context_;
  ToldOnce<UserauthEvents> events_;
  std::unique_ptr<SshTransport> connection_;
  ConnectionInfo info_;
  std::unique_ptr<Timer> grace_;
  std::unique_ptr<Timer> early_timer_;
  Error early_failure_;
  bool packet_seen_ = false;
  std::optional<UserauthPacket> packet_;
  std::optional<std::string> user_;
  std::string good_offer_;  // the fingerprint of the key that offer_ok() was said of last
  bool response_seen_ = false;
  std::optional<std::vector<SecretString>> response_;
  std::optional<UserauthRequest> request_;  // waits for its answer
  bool asked_ = false;                      // … which hangs on the client's answers
  MessageHandle message_;
  std::vector<std::string> can_continue_;
  std::uint32_t tries_ = 0;
  bool banner_shown_ = false;
  bool logged_in_ = false;
  bool timed_out_ = false;
  bool too_many_ = false;
  bool not_strict_ = false;
};

DownstreamConnection::DownstreamConnection(LoopIo& io, std::shared_ptr<const ServerContext> context, net::Fd fd,
                                           UserauthEvents& events)
    : impl_(std::make_unique<Impl>(io, std::move(context), events)) {
  impl_->start(std::move(fd));
}
DownstreamConnection::~DownstreamConnection() = default;
void DownstreamConnection::accept() { impl_->accept(); }
void DownstreamConnection::pass() { impl_->pass(); }
void DownstreamConnection::reject() { impl_->reject(); }
void DownstreamConnection::offer_ok() { impl_->offer_ok(); }
void DownstreamConnection::ask(const InfoRequest& request) { impl_->ask(request); }
void DownstreamConnection::ask_new_password(std::string_view prompt) { impl_->ask_new_password(prompt); }
void DownstreamConnection::can_continue(std::vector<std::string> methods) { impl_->can_continue(std::move(methods)); }
void DownstreamConnection::show(std::string_view text) { impl_->show(text); }
void DownstreamConnection::disconnect(DisconnectReason reason, std::string_view text) { impl_->disconnect(reason, text); }
ConnectionInfo DownstreamConnection::info() const { return impl_->info(); }

}  // namespace sallyport::ssh
