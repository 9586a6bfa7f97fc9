#include "ssh/upstream/client_connection.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <sallyport/told_once.hpp>

#include "net/sockets/connector.hpp"
#include "net/sockets/socket_stream.hpp"
#include "ssh/keys/algorithms.hpp"
#include "ssh/keys/known_hosts_file.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/ssh_transport.hpp"
#include "ssh/upstream/credentials.hpp"
#include "ssh/upstream/upstream_login.hpp"

namespace sallyport::ssh {
namespace {

/// How libssh ends the connection over the one answer to a password that it has no name for: PASSWD_CHANGEREQ (RFC 4252, section
/// 8).
constexpr std::string_view kChangeOfPassword = "rejected packet (type 60)";

// The signature algorithms that a key of this type can answer for.
bool answers_for(const std::string& algorithm, const std::string& key_type) {
  return algorithm == key_type || (key_type == "ssh-rsa" && algorithm.starts_with("rsa-sha2-"));
}

// As OpenSSH does: if keys are known for the host, their types are asked for first. A server that would rather show
// another of its keys would look like an impostor.
Names host_key_algorithms(const Names& wanted, const std::vector<std::string>& known_types) {
  Names ordered = wanted;
  std::stable_partition(ordered.begin(), ordered.end(), [&known_types](const auto& algorithm) {
    return std::any_of(known_types.begin(), known_types.end(),
                       [&algorithm](const auto& type) { return answers_for(algorithm, type); });
  });
  return ordered;
}

/// What a server that doesn't want to be talked to now says: nothing, or what sshd does.
bool says_busy(std::string_view words) {
  return words.empty() || words.starts_with("Exceeded MaxStartups") || words.starts_with("Not allowed at this time");
}

}  // namespace

class ClientConnection::Impl final : public LoginDriver, private UpstreamLoginEvents {
 public:
  Impl(LoopIo& io, ClientOptions options, UpstreamAttempt& attempt, UpstreamEvents& events, std::unique_ptr<Carrier> carrier)
      : io_(io), options_(std::move(options)), attempt_(attempt), events_(events), carrier_(std::move(carrier)) {
    limit(options_.connect_timeout);
    // The files are read while the name is looked up and the connection made.
    auto files = std::make_shared<Result<ClientFiles>>(fail(Errc::unavailable, "its files were not read"));
    work_ = io_.loop().work([files, options = options_] { *files = read_client_files(options); },
                            [this, files] { files_read(std::move(*files)); });
    if (carrier_ != nullptr) {
      carrier_->open([this](Result<net::Fd> result) { carried(std::move(result)); });
    } else {
      connecting_ = net::connect_to(io_.resolver(), options_.host, options_.port, options_.client.user, options_.connect_timeout,
                                    [this](Result<net::Connected> result) { connected(std::move(result)); });
    }
  }

  const ConnectionInfo& info() const { return info_; }

  bool wants_agent() const { return login_ != nullptr && agent_wanted_; }
  void give_agent(Result<net::Fd> socket) {
    if (!wants_agent()) return;
    agent_wanted_ = false;
    login_->on_agent(std::move(socket));
  }
  void answer(std::vector<SecretString> answers) {
    if (!answered()) return;
    login_->on_answers(std::move(answers));
  }
  void refuse_answer(std::string told) {
    if (!answered()) return;
    login_->on_no_answer(std::move(told));
  }
  std::unique_ptr<Stream> lend_agent(StreamEvents& events) {
    if (!wants_agent()) return nullptr;
    auto pair = net::connected_pair();
    give_agent(pair ? Result<net::Fd>(std::move(pair->first)) : Result<net::Fd>(fail(pair.error())));
    if (!pair) return nullptr;
    return std::make_unique<net::SocketStream>(io_.loop(), io_.lingering(), std::move(pair->second), events);
  }

 private:
  enum class Step : std::uint8_t { preparing, handshake, remembering, login, done };

  void files_read(Result<ClientFiles> files) {
    work_.reset();
    if (!files) {
      const bool ours = files.error().code == Errc::config;
      return failed(files.error().code,
                    ours ? "the bastion's configuration for it is at fault" : "the bastion has no usable credentials for it",
                    files.error().detail);
    }
    files_ = std::move(*files);
    if (options_.on_warning) {
      for (const auto& problem : files_->problems) options_.on_warning(problem);
    }
    begin_when_ready();
  }

  void connected(Result<net::Connected> result) {
    connecting_.reset();
    if (!result) {
      switch (result.error().code) {
        case Errc::not_found: return failed(Errc::not_found, "its name could not be found", result.error().detail);
        case Errc::refused: return failed(Errc::refused, "connection refused", result.error().detail);
        case Errc::timeout: return failed(Errc::timeout, "connection timed out", result.error().detail);
        default: return failed(Errc::io, "host unreachable", result.error().detail);
      }
    }
    fd_ = std::move(result->fd);
    begin_when_ready();
  }

  void carried(Result<net::Fd> result) {
    if (!result) {
      const std::string told = carrier_->failure_told();  // it goes in failed()
      return failed(result.error().code, told, result.error().detail);
    }
    fd_ = std::move(*result);
    begin_when_ready();
  }

  void begin_when_ready() {
    if (!files_ || !fd_) return;
    step_ = Step::handshake;
    if (auto begun = begin(); !begun) {
      const Error& why = begun.error();
      return failed(why.code, "the connection could not be set up", why.detail);
    }
  }

  Result<> begin() {
    if (auto checked = check_algorithms(options_.algorithms); !checked) return checked;
    auto session = new_session();
    if (!session) return fail(session.error());
    if (auto set = set_options(session->get()); !set) return set;
    ssh_session raw = session->get();
    connection_ = std::make_unique<SshTransport>(io_, std::move(*session), Role::client, *this);
    if (carrier_ != nullptr) {
      carrier_told_ = carrier_->failure_told();
      connection_->keep(std::move(carrier_));
    }
    if (auto started = connection_->start(std::move(fd_), "SSH-2.0-" + options_.identification); !started) {
      return started;
    }
    if (ssh_connect(raw) == SSH_ERROR) return fail(Errc::protocol, session_error(raw, "begin the handshake"));
    return {};
  }

  Result<> set_options(ssh_session session) const {
    const Algorithms& wanted = options_.algorithms;
    const LegacyAlgorithms old = options_.legacy_algorithms ? legacy_algorithms() : LegacyAlgorithms{};
    const std::string kex = name_list(joined(wanted.kex.value_or(default_upstream_kex()), old.kex));
    const std::string ciphers = name_list(joined(wanted.ciphers.value_or(default_ciphers()), old.ciphers));
    const std::string macs = name_list(joined(wanted.macs.value_or(default_macs()), old.macs));
    const std::string host_keys = name_list(host_key_algorithms(
        joined(wanted.host_keys.value_or(default_host_keys()), old.host_keys), files_->known_hosts.key_types()));
    const std::string user_keys = "+" + name_list(old.host_keys);
    const struct {
      ssh_options_e option;
      const void* value;
    } settings[] = {{SSH_OPTIONS_HOST, "target"},  // our socket layer connects nowhere, but libssh wants a name
                    {SSH_OPTIONS_KEY_EXCHANGE, kex.c_str()},
                    {SSH_OPTIONS_CIPHERS_C_S, ciphers.c_str()},
                    {SSH_OPTIONS_CIPHERS_S_C, ciphers.c_str()},
                    {SSH_OPTIONS_HMAC_C_S, macs.c_str()},
                    {SSH_OPTIONS_HMAC_S_C, macs.c_str()},
                    {SSH_OPTIONS_HOSTKEYS, host_keys.c_str()},
                    {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, options_.legacy_algorithms ? user_keys.c_str() : nullptr},
                    {SSH_OPTIONS_RSA_MIN_SIZE, options_.legacy_algorithms ? &old.min_rsa_size : nullptr},
                    {SSH_OPTIONS_REKEY_DATA, options_.rekey_data > 0 ? &options_.rekey_data : nullptr}};
    if (spssh_set_user(session, options_.user.c_str()) != 0) return fail(Errc::limit, "no memory for the login name");
    for (const auto& setting : settings) {
      if (setting.value == nullptr) continue;
      if (ssh_options_set(session, setting.option, setting.value) != SSH_OK) {
        return fail(Errc::config, session_error(session, "session options"));
      }
    }
    return {};
  }

  // LoginDriver

  bool on_userauth_packet(ByteView) override { return true; }  // a server sends none

  void on_progress() override {
    if (step_ == Step::handshake) handshake();
    if (step_ == Step::login) log_in();
  }

  void handshake() {
    const int rc = ssh_connect(connection_->session());
    if (lacks_strictness()) return;
    if (rc != SSH_OK) return;  // a failure shows in the session's state
    const Bytes key = host_key();
    if (options_.on_host_key && !key.empty()) return show_host_key(key);
    const HostKeyVerdict verdict = key.empty() ? HostKeyVerdict::revoked : files_->known_hosts.judge(key);
    if (verdict == HostKeyVerdict::known) return begin_login();
    if (verdict == HostKeyVerdict::unknown && options_.host_key_policy == HostKeyPolicy::accept_new) return remember(key);
    refuse_host_key(host_key_trouble(verdict));
  }

  bool lacks_strictness() {
    const bool required = options_.algorithms.require_strict_kex.value_or(false);
    if (!required || spssh_strict_kex(connection_->session()) != SPSSH_NOT_STRICT) return false;
    const std::string told = "it doesn't know strict key exchange, which is required";
    failure_ = failure(Errc::protocol, told, told);
    connection_->disconnect(DisconnectReason::protocol_error, "strict key exchange is required here");
    return true;
  }

  // Empty when there is none that can be used.
  Bytes host_key() {
    ssh_key raw = nullptr;
    if (ssh_get_server_publickey(connection_->session(), &raw) != SSH_OK) return {};
    const KeyHandle key{raw};
    Bytes blob = public_blob_of(key.get());
    seen_ = std::string{ssh_key_type_to_char(ssh_key_type(key.get()))} + " " + fingerprint_of(blob);
    return blob;
  }

  std::string host_key_trouble(HostKeyVerdict verdict) const {
    const std::string expected = files_->known_hosts.expected();
    switch (verdict) {
      case HostKeyVerdict::changed: return "host key mismatch: " + seen_ + ", expected " + expected;
      case HostKeyVerdict::other_type:
        return "its host key is not one of those that are known: " + seen_ + ", expected " + expected;
      case HostKeyVerdict::unknown: return "its host key is unknown: " + seen_;
      default: return seen_.empty() ? "it showed no usable host key" : "its host key is revoked: " + seen_;
    }
  }

  void refuse_host_key(const std::string& told) {
    failure_ = failure(Errc::host_key, told, told);
    connection_->disconnect(DisconnectReason::by_application, "host key verification failed");
  }

  void show_host_key(const Bytes& key) {
    options_.on_host_key(key);
    failure_ = failure(Errc::closed, "only its host key was looked at", "host key seen: " + seen_);
    connection_->disconnect(DisconnectReason::by_application, "thank you");
  }

  // The key is in the file before anything is sent that depends on it.
  void remember(const Bytes& key) {
    step_ = Step::remembering;
    connection_->hold();
    auto written = std::make_shared<Result<>>(fail(Errc::io, "not written"));
    work_ = io_.loop().work([written, key, file = options_.known_hosts.front(), host = options_.host,
                             port = options_.port] { *written = add_first_host_key(file, host, port, key); },
                            [this, written] {
                              work_.reset();
                              connection_->release();
                              if (!*written) {
                                const Error why = written->error();
                                failure_ = failure(
                                    Errc::config, "its host key is unknown, and could not be written down: " + seen_, why.detail);
                                return connection_->disconnect(DisconnectReason::by_application, "host key verification failed");
                              }
                              if (options_.on_warning) options_.on_warning("a new host key was accepted: " + seen_);
                              begin_login();
                              connection_->call_driver();
                            });
  }

  void begin_login() {
    login_ = std::make_unique<UpstreamLogin>(io_, *connection_, options_, files_->credentials,
                                             static_cast<UpstreamLoginEvents&>(*this));
    step_ = Step::login;
    limit(kLoginTime);
  }

  void log_in() {
    switch (login_->proceed()) {
      case UpstreamLogin::Outcome::pending: return;
      case UpstreamLogin::Outcome::in:
        step_ = Step::done;
        connection_->hold();  // what follows belongs to the transport's user
        return connection_->call_driver_when_sent();
      case UpstreamLogin::Outcome::refused:
        failure_ = refused(login_->detail());
        return connection_->disconnect(DisconnectReason::no_more_auth_methods, "no more authentication methods");
    }
  }

  // UpstreamLoginEvents: told to the client from a turn of their own

  void on_agent_needed() override {
    agent_wanted_ = agent_to_ask_ = true;
    connection_->call_driver();
  }
  void on_question_asked(UpstreamQuestion question) override {
    question_ = std::move(question);
    connection_->call_driver();
  }

  bool answered() {
    if (login_ == nullptr || !std::exchange(asked_, false)) return false;
    limit(kLoginTime);
    return true;
  }

  void on_turn() override {
    if (step_ == Step::login && connection_->is_alive()) {
      if (std::exchange(agent_to_ask_, false)) return events_.tell(&UpstreamEvents::on_agent_wanted, attempt_);
      if (question_) {
        const UpstreamQuestion question = *std::exchange(question_, std::nullopt);
        asked_ = true;
        limit(kAnswerTime);
        return events_.tell(&UpstreamEvents::on_question, attempt_, question);
      }
      log_in();
    }
    if (step_ != Step::done) return;
    end();
    info_ = connection_->info();
    if (options_.on_accepted) options_.on_accepted(login_->credential());
    login_.reset();
    connection_->hand_over();
    events_.end(&UpstreamEvents::on_connected, std::unique_ptr<Transport>(std::move(connection_)));
  }

  void on_dead(const Error& why) override {
    end();
    const UpstreamFailure told = failure_of(why);
    events_.end(&UpstreamEvents::on_connect_failed, told);
  }

  UpstreamFailure failure_of(const Error& why) const {
    if (failure_) return *failure_;
    if (step_ == Step::login || step_ == Step::done) {
      // sshd ends the connection after too many keys.
      if (why.code == Errc::closed && step_ == Step::login) return refused(login_->detail() + "; " + why.detail);
      if (step_ == Step::login && why.detail.find(kChangeOfPassword) != std::string::npos) {
        UpstreamFailure wanted = refused(why.detail);
        wanted.told += ": its password must be changed";
        return wanted;
      }
      return failure(why.code, "the connection was lost during the login", why.detail);
    }
    const bool said_nothing = connection_->info().peer_identification.empty();
    if (said_nothing && !carrier_told_.empty()) return failure(Errc::io, carrier_told_, why.detail);
    // sshd does so when too many are logging in (MaxStartups), and while it goes down.
    if (said_nothing && says_busy(connection_->first_words()) && (why.code == Errc::closed || why.code == Errc::io))
      return failure(Errc::unavailable, "it is busy or down: it ended the connection before its version", why.detail);
    return failure(Errc::protocol, handshake_reason(why), why.detail);
  }

  static std::string handshake_reason(const Error& why) {
    if (why.detail.find("no match for method") != std::string::npos) {
      return "the SSH handshake failed: " + nothing_in_common(why.detail);
    }
    return "the SSH handshake failed";
  }

  void limit(Duration time) {
    deadline_ = io_.clock().after(time, [this] { time_is_up(); });
  }

  void time_is_up() {
    if (asked_) {
      failure_ = refused("nobody answered in time");
      failure_->code = Errc::unavailable;
      failure_->told += ": its question was not answered in time";
    }
    std::string detail = "not in time: ";
    switch (step_) {
      case Step::preparing: detail += "connecting to " + options_.host; break;
      case Step::handshake:
      case Step::remembering: detail += "SSH handshake"; break;
      case Step::login:
      case Step::done: detail += "login"; break;
    }
    failed(Errc::timeout, step_ == Step::login ? "it took too long over the login" : "connection timed out", detail);
  }

  UpstreamFailure failure(Errc code, const std::string& told, std::string detail) const {
    return UpstreamFailure{code, "target " + options_.name + " can't be reached: " + told,
                           options_.host + " port " + std::to_string(options_.port) + ": " + std::move(detail) + problems()};
  }

  UpstreamFailure refused(const std::string& detail) const {
    // Where a person could have helped, the login is not wrong, and may be tried again at once.
    const std::string told = login_ == nullptr ? std::string{} : login_->told();
    using Refused = UpstreamLogin::Refused;
    const Refused what = login_ == nullptr ? Refused::ours : login_->refused();
    return UpstreamFailure{
        what == Refused::nothing ? Errc::unavailable : Errc::denied,
        "target " + options_.name + " refused the login" + (told.empty() ? "" : ": " + told),
        options_.host + " port " + std::to_string(options_.port) + ": login as " + options_.user + ": " + detail + problems(),
        what == Refused::the_clients};
  }

  std::string problems() const {
    std::string text;
    if (files_) {
      for (const auto& problem : files_->problems) text += "; " + problem;
      if (!files_->passed_over.empty()) text += "; " + files_->passed_over;
    }
    return text;
  }

  // Nothing more may happen of itself: a socket that came later would begin all over again.
  void end() {
    deadline_.reset();
    work_.reset();
    connecting_.reset();
    carrier_.reset();
  }

  // May destroy *this.
  void failed(Errc code, const std::string& told, std::string detail) {
    end();
    const UpstreamFailure why = failure_.value_or(failure(code, told, std::move(detail)));
    login_.reset();
    connection_.reset();
    events_.end(&UpstreamEvents::on_connect_failed, why);
  }

  LoopIo& io_;
  const ClientOptions options_;
  UpstreamAttempt& attempt_;  // who the client answers to
  ToldOnce<UpstreamEvents> events_;
  Step step_ = Step::preparing;
  std::unique_ptr<Timer> deadline_;
  std::unique_ptr<net::Work> work_;
  std::unique_ptr<net::Connecting> connecting_;
  net::Fd fd_;
  std::optional<ClientFiles> files_;
  std::unique_ptr<Carrier> carrier_;  // the connection's, once there is one
  std::string carrier_told_;          // empty: TCP
  std::unique_ptr<SshTransport> connection_;
  ConnectionInfo info_;
  std::unique_ptr<UpstreamLogin> login_;
  bool agent_wanted_ = false;                 // and not answered yet
  bool agent_to_ask_ = false;                 // the client has not been asked
  std::optional<UpstreamQuestion> question_;  // likewise
  bool asked_ = false;                        // and not answered yet
  std::string seen_;                          // the host key, for people
  std::optional<UpstreamFailure> failure_;
};

ClientConnection::ClientConnection(LoopIo& io, ClientOptions options, UpstreamEvents& events, std::unique_ptr<Carrier> carrier)
    : impl_(std::make_unique<Impl>(io, std::move(options), *this, events, std::move(carrier))) {}
ClientConnection::~ClientConnection() = default;
const ConnectionInfo& ClientConnection::info() const { return impl_->info(); }

std::unique_ptr<Stream> ClientConnection::lend_agent(StreamEvents& events) { return impl_->lend_agent(events); }
void ClientConnection::give_agent(net::Fd socket) { impl_->give_agent(std::move(socket)); }
void ClientConnection::refuse_agent(std::string why) { impl_->give_agent(fail(Errc::unavailable, std::move(why))); }
void ClientConnection::answer(std::vector<SecretString> answers) { impl_->answer(std::move(answers)); }
void ClientConnection::refuse_answer(std::string told) { impl_->refuse_answer(std::move(told)); }

}  // namespace sallyport::ssh
