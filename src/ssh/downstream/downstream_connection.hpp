// The downstream role: a client's connection from accept to login.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/transport.hpp>
#include <sallyport/userauth.hpp>

#include "net/loop/fd.hpp"
#include "ssh/downstream/server_context.hpp"
#include "ssh/downstream/userauth_packet.hpp"
#include "ssh/keys/handles.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {

/// One client's connection until it is logged in. Destroying it closes it.
class DownstreamConnection final : public UserauthServer, private LoginDriver {
 public:
  /// `fd` is a connected stream socket. `io` and `events` must outlive the connection.
  DownstreamConnection(LoopIo& io, std::shared_ptr<const ServerContext> context, net::Fd fd, UserauthEvents& events);
  ~DownstreamConnection() override;
  DownstreamConnection(const DownstreamConnection&) = delete;
  DownstreamConnection& operator=(const DownstreamConnection&) = delete;

  void accept() override;
  void pass() override;
  void reject() override;
  void offer_ok() override;
  void ask(const InfoRequest& questions) override;
  void ask_new_password(std::string_view prompt) override;
  void can_continue(std::vector<std::string> methods) override;
  void show(std::string_view text) override;
  void disconnect(DisconnectReason reason, std::string_view text) override;
  ConnectionInfo info() const override;

 private:
  enum class Counts : bool { no, yes };
  /// What has come through libssh, and on_progress() is to look at.
  struct Heard {
    bool request = false;
    std::optional<UserauthPacket> packet;  ///< of the request; absent: it is malformed
    bool response = false;
  };

  // LoginDriver
  bool on_userauth_packet(ByteView payload) override;
  void on_info_response_packet(ByteView payload) override;
  void on_progress() override;
  void on_turn() override;
  void on_dead(const Error& why) override;

  Result<> begin(net::Fd fd);
  void check_strictness();
  void accept_service(const MessageHandle& message);
  /// One request, with libssh's view of it: no message means that libssh could not use the key or the signature, and
  /// has said nothing to the client.
  void take_request(MessageHandle message);
  void take_response();
  bool waits_for_answer() const { return request_ && !asked_ && connection_->is_alive(); }
  /// Answers the request for good.
  void done_with(const Bytes& packet);
  void refuse(Counts counts);
  /// False when that was the last one, and the connection is being ended.
  bool count_try();
  void no_more_questions();
  /// Says goodbye; on_failed() has `why`, whatever comes of it.
  void end(Error why, DisconnectReason reason, std::string_view text);

  LoopIo& io_;
  const std::shared_ptr<const ServerContext> context_;
  ToldOnce<UserauthEvents> events_;
  std::unique_ptr<SshTransport> connection_;
  ConnectionInfo info_;  // once that has been handed over
  std::unique_ptr<Timer> grace_;
  std::unique_ptr<Timer> failed_early_;
  Heard heard_;
  std::optional<std::string> user_;         // what all requests must name
  std::string good_offer_;                  // the fingerprint of the key that offer_ok() was said of last
  std::optional<UserauthRequest> request_;  // waits for its answer
  MessageHandle message_;                   // libssh's view of it
  bool asked_ = false;                      // the answer hangs on the client's answers
  std::optional<std::vector<SecretString>> response_;
  std::vector<std::string> can_continue_;
  std::uint32_t tries_ = 0;
  bool logged_in_ = false;
  std::optional<Error> why_ended_;  // by us
};

}  // namespace sallyport::ssh
