#include "ssh/upstream/client_connection.hpp"

#include <libssh/libssh.h>

#include <utility>

#include "net/sockets/socket_stream.hpp"
#include "ssh/keys/known_hosts_file.hpp"
#include "ssh/seam/seam.h"
#include "ssh/upstream/client_session.hpp"

namespace sallyport::ssh {

ClientConnection::ClientConnection(LoopIo& io, ClientOptions options, UpstreamEvents& events, std::unique_ptr<Carrier> carrier)
    : io_(io), options_(std::move(options)), events_(events), carrier_(std::move(carrier)) {
  limit(options_.connect_timeout);
  // The files are read while the name is looked up and the connection made.
  auto files = std::make_shared<Result<ClientFiles>>(fail(Errc::unavailable, "its files were not read"));
  work_ = io_.loop().work([files, wanted = options_] { *files = read_client_files(wanted); },
                          [this, files] { files_read(std::move(*files)); });
  if (carrier_ != nullptr) {
    carrier_->open([this](Result<net::Fd> result) { carried(std::move(result)); });
  } else {
    connecting_ = net::connect_to(io_.resolver(), options_.host, options_.port, options_.client.user, options_.connect_timeout,
                                  [this](Result<net::Connected> result) { connected(std::move(result)); });
  }
}

ClientConnection::~ClientConnection() = default;

// --- what the client answers -------------------------------------------------------------------------------------

void ClientConnection::give_agent(Result<net::Fd> socket) {
  if (!wants_agent()) return;
  needs_.agent = false;
  login_->on_agent(std::move(socket));
}

std::unique_ptr<Stream> ClientConnection::lend_agent(StreamEvents& events) {
  if (!wants_agent()) return nullptr;
  auto pair = net::connected_pair();
  give_agent(pair ? Result<net::Fd>(std::move(pair->first)) : Result<net::Fd>(fail(pair.error())));
  if (!pair) return nullptr;
  return std::make_unique<net::SocketStream>(io_.loop(), io_.lingering(), std::move(pair->second), events);
}

void ClientConnection::refuse_agent(std::string why) { give_agent(fail(Errc::unavailable, std::move(why))); }

void ClientConnection::answer(std::vector<SecretString> answers) {
  if (takes_answer()) login_->on_answers(std::move(answers));
}

void ClientConnection::refuse_answer(std::string told) {
  if (takes_answer()) login_->on_no_answer(std::move(told));
}

bool ClientConnection::takes_answer() {
  if (login_ == nullptr || !std::exchange(needs_.answer, false)) return false;
  limit(kLoginTime);
  return true;
}

// --- up to the socket --------------------------------------------------------------------------------------------

void ClientConnection::files_read(Result<ClientFiles> files) {
  work_.reset();
  if (!files) {
    const bool ours = files.error().code == Errc::config;
    return failed(files.error().code,
                  ours ? "the bastion's configuration for it is at fault" : "the bastion has no usable credentials for it",
                  files.error().detail);
  }
  files_ = std::move(*files);
  words_.note(*files_);
  if (options_.on_warning) {
    for (const auto& problem : files_->problems) options_.on_warning(problem);
  }
  begin_when_ready();
}

void ClientConnection::connected(Result<net::Connected> result) {
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

void ClientConnection::carried(Result<net::Fd> result) {
  if (!result) {
    const std::string told = carrier_->failure_told();  // it goes in failed()
    return failed(result.error().code, told, result.error().detail);
  }
  fd_ = std::move(*result);
  begin_when_ready();
}

void ClientConnection::begin_when_ready() {
  if (!files_ || !fd_) return;
  step_ = Step::handshake;
  if (auto begun = begin(); !begun) {
    const Error& why = begun.error();
    return failed(why.code, "the connection could not be set up", why.detail);
  }
}

Result<> ClientConnection::begin() {
  auto session = client_session(options_, files_->known_hosts);
  if (!session) return fail(session.error());
  ssh_session raw = session->get();
  connection_ = std::make_unique<SshTransport>(io_, std::move(*session), Role::client, static_cast<LoginDriver&>(*this));
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

// --- up to the host key ------------------------------------------------------------------------------------------

void ClientConnection::on_progress() {
  if (step_ == Step::handshake) handshake();
  if (step_ == Step::login) log_in();
}

void ClientConnection::handshake() {
  const int rc = ssh_connect(connection_->session());
  if (lacks_strictness()) return;
  if (rc != SSH_OK) return;  // a failure shows in the session's state
  const Bytes key = host_key();
  if (options_.on_host_key && !key.empty()) return show_host_key(key);
  const HostKeyVerdict verdict = key.empty() ? HostKeyVerdict::revoked : files_->known_hosts.judge(key);
  if (verdict == HostKeyVerdict::known) return begin_login();
  if (verdict == HostKeyVerdict::unknown && options_.host_key_policy == HostKeyPolicy::accept_new) return remember(key);
  refuse_host_key(verdict);
}

bool ClientConnection::lacks_strictness() {
  const bool required = options_.algorithms.require_strict_kex.value_or(false);
  if (!required || spssh_strict_kex(connection_->session()) != SPSSH_NOT_STRICT) return false;
  const std::string told = "it doesn't know strict key exchange, which is required";
  failure_ = words_.unreachable(Errc::protocol, told, told);
  connection_->disconnect(DisconnectReason::protocol_error, "strict key exchange is required here");
  return true;
}

Bytes ClientConnection::host_key() {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(connection_->session(), &raw) != SSH_OK) return {};
  const KeyHandle key{raw};
  Bytes blob = public_blob_of(key.get());
  seen_ = std::string{ssh_key_type_to_char(ssh_key_type(key.get()))} + " " + fingerprint_of(blob);
  return blob;
}

void ClientConnection::refuse_host_key(HostKeyVerdict verdict) {
  const std::string told = host_key_trouble(verdict, seen_, files_->known_hosts);
  failure_ = words_.unreachable(Errc::host_key, told, told);
  connection_->disconnect(DisconnectReason::by_application, "host key verification failed");
}

void ClientConnection::show_host_key(const Bytes& key) {
  options_.on_host_key(key);
  failure_ = words_.unreachable(Errc::closed, "only its host key was looked at", "host key seen: " + seen_);
  connection_->disconnect(DisconnectReason::by_application, "thank you");
}

void ClientConnection::remember(const Bytes& key) {
  step_ = Step::remembering;
  connection_->hold();
  auto written = std::make_shared<Result<>>(fail(Errc::io, "not written"));
  work_ = io_.loop().work([written, key, file = options_.known_hosts.front(), host = options_.host,
                           port = options_.port] { *written = add_first_host_key(file, host, port, key); },
                          [this, written] { remembered(*written); });
}

void ClientConnection::remembered(const Result<>& written) {
  work_.reset();
  connection_->release();
  if (!written) {
    failure_ = words_.unreachable(Errc::config, "its host key is unknown, and could not be written down: " + seen_,
                                  written.error().detail);
    return connection_->disconnect(DisconnectReason::by_application, "host key verification failed");
  }
  if (options_.on_warning) options_.on_warning("a new host key was accepted: " + seen_);
  begin_login();
  connection_->call_driver();
}

// --- the login ---------------------------------------------------------------------------------------------------

void ClientConnection::begin_login() {
  login_ =
      std::make_unique<UpstreamLogin>(io_, *connection_, options_, files_->credentials, static_cast<UpstreamLoginEvents&>(*this));
  step_ = Step::login;
  limit(kLoginTime);
}

void ClientConnection::log_in() {
  switch (login_->proceed()) {
    case UpstreamLogin::Outcome::pending: return;
    case UpstreamLogin::Outcome::in:
      step_ = Step::done;
      connection_->hold();  // what follows belongs to the transport's user
      return connection_->call_driver_when_sent();
    case UpstreamLogin::Outcome::refused:
      failure_ = words_.refused(*login_, login_->detail());
      return connection_->disconnect(DisconnectReason::no_more_auth_methods, "no more authentication methods");
  }
}

void ClientConnection::on_agent_needed() {
  needs_.agent = needs_.agent_to_ask = true;
  connection_->call_driver();
}

void ClientConnection::on_question_asked(UpstreamQuestion question) {
  needs_.question = std::move(question);
  connection_->call_driver();
}

void ClientConnection::on_turn() {
  if (step_ == Step::login && connection_->is_alive()) {
    if (std::exchange(needs_.agent_to_ask, false))
      return events_.tell(&UpstreamEvents::on_agent_wanted, static_cast<UpstreamAnswers&>(*this));
    if (needs_.question) {
      const UpstreamQuestion question = *std::exchange(needs_.question, std::nullopt);
      needs_.answer = true;
      limit(kAnswerTime);
      return events_.tell(&UpstreamEvents::on_question, static_cast<UpstreamAnswers&>(*this), question);
    }
    log_in();
  }
  if (step_ != Step::done) return;
  end();
  if (options_.on_accepted) options_.on_accepted(login_->credential());
  login_.reset();
  connection_->hand_over();
  events_.end(&UpstreamEvents::on_connected, std::unique_ptr<Transport>(std::move(connection_)));
}

// --- the end without one -----------------------------------------------------------------------------------------

void ClientConnection::on_dead(const Error& why) {
  end();
  const UpstreamFailure told = failure_of(why);
  events_.end(&UpstreamEvents::on_connect_failed, told);
}

UpstreamFailure ClientConnection::failure_of(const Error& why) const {
  if (failure_) return *failure_;
  if (step_ == Step::login) return words_.lost_in(*login_, why);
  if (step_ == Step::done) return words_.unreachable(why.code, "the connection was lost during the login", why.detail);
  return words_.no_handshake(why, !connection_->info().peer_identification.empty(), connection_->first_words(), carrier_told_);
}

void ClientConnection::limit(Duration time) {
  deadline_ = io_.clock().after(time, [this] { time_is_up(); });
}

void ClientConnection::time_is_up() {
  if (needs_.answer) {
    failure_ = words_.refused(*login_, "nobody answered in time");
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

void ClientConnection::end() {
  deadline_.reset();
  work_.reset();
  connecting_.reset();
  carrier_.reset();
}

void ClientConnection::failed(Errc code, const std::string& told, const std::string& detail) {
  end();
  const UpstreamFailure why = failure_.value_or(words_.unreachable(code, told, detail));
  login_.reset();
  connection_.reset();
  events_.end(&UpstreamEvents::on_connect_failed, why);
}

}  // namespace sallyport::ssh
