// The upstream role: from a target's name to a connection that is logged in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/upstream.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/connector.hpp"
#include "ssh/transport/carrier.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/transport/ssh_transport.hpp"
#include "ssh/upstream/client_options.hpp"
#include "ssh/upstream/credentials.hpp"
#include "ssh/upstream/failure_words.hpp"
#include "ssh/upstream/upstream_login.hpp"

namespace sallyport::ssh {

/// An attempt to connect; destroying it gives it up. `events` gets what it needs and the outcome as UpstreamEvents says.
/// Errc of a failure: not_found, refused, timeout, io (unreachable), host_key, denied (the target refused the login), unavailable
/// (it is busy or down; it asked a question that nobody answered; there was nothing to log in with, for the client lacks it),
/// protocol (no handshake), config (files of the bastion's own are at fault).
class ClientConnection final : public UpstreamAttempt, private LoginDriver, private UpstreamLoginEvents {
 public:
  /// `io` and `events` must outlive the attempt. With a `carrier` that is the way to the target, and no name is looked up;
  /// else it is TCP.
  ClientConnection(LoopIo& io, ClientOptions options, UpstreamEvents& events, std::unique_ptr<Carrier> carrier = nullptr);
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // UpstreamAttempt
  [[nodiscard]] std::unique_ptr<Stream> lend_agent(StreamEvents& events) override;
  void refuse_agent(std::string why) override;
  void answer(std::vector<SecretString> answers) override;
  void refuse_answer(std::string told) override;
  /// lend_agent() for a stream that is on another loop: the agent is behind this connected, non-blocking socket.
  void give_agent(Result<net::Fd> socket);

 private:
  enum class Step : std::uint8_t { preparing, handshake, remembering, login, done };
  /// Of the client: what the login has asked for, and hasn't got.
  struct Needs {
    bool agent = false;
    bool agent_to_ask = false;                 ///< the client has not been asked
    std::optional<UpstreamQuestion> question;  ///< likewise
    bool answer = false;
  };

  // LoginDriver
  bool on_userauth_packet(ByteView) override { return true; }  // a server sends none
  void on_progress() override;
  void on_turn() override;
  void on_dead(const Error& why) override;
  // UpstreamLoginEvents: told to the client from a turn of their own
  void on_agent_needed() override;
  void on_question_asked(UpstreamQuestion question) override;

  void files_read(Result<ClientFiles> files);
  void connected(Result<net::Connected> result);
  void carried(Result<net::Fd> result);
  void begin_when_ready();
  Result<> begin();
  void handshake();
  bool lacks_strictness();
  /// Empty when there is none that can be used.
  Bytes host_key();
  void refuse_host_key(HostKeyVerdict verdict);
  void show_host_key(const Bytes& key);
  /// The key is in the file before anything is sent that depends on it.
  void remember(const Bytes& key);
  void remembered(const Result<>& written);
  void begin_login();
  void log_in();
  bool wants_agent() const { return login_ != nullptr && needs_.agent; }
  /// Whether the answer was waited for; from now on it isn't.
  bool takes_answer();
  UpstreamFailure failure_of(const Error& why) const;
  void limit(Duration time);
  void time_is_up();
  /// Nothing more may happen of itself: a socket that came later would begin all over again.
  void end();
  /// The end before there is a connection, or with one that says nothing. May destroy *this.
  void failed(Errc code, const std::string& told, const std::string& detail);

  LoopIo& io_;
  const ClientOptions options_;
  ToldOnce<UpstreamEvents> events_;
  FailureWords words_{options_};
  Step step_ = Step::preparing;
  std::unique_ptr<Timer> deadline_;
  std::unique_ptr<net::Work> work_;
  std::unique_ptr<net::Connecting> connecting_;
  net::Fd fd_;
  std::optional<ClientFiles> files_;
  std::unique_ptr<Carrier> carrier_;  // the connection's, once there is one
  std::string carrier_told_;          // empty: TCP
  std::unique_ptr<SshTransport> connection_;
  std::unique_ptr<UpstreamLogin> login_;
  Needs needs_;
  std::string seen_;  // the host key, for people
  std::optional<UpstreamFailure> failure_;
};

}  // namespace sallyport::ssh
