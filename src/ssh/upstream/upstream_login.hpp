// Which credential is tried when: the client's side of user authentication (RFC 4252), after the key exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssh/transport/ssh_transport.hpp"
#include "ssh/upstream/login_method.hpp"

namespace sallyport::ssh {

/// What a login needs of its client.
class UpstreamLoginEvents {
 public:
  virtual ~UpstreamLoginEvents() = default;
  /// From proceed(): to be passed on from a turn of its own.
  virtual void on_agent_needed() = 0;
  virtual void on_question_asked(UpstreamQuestion question) = 0;
};

/// Goes through the credentials in their order. What the target doesn't take at the moment ("methods that can continue") is
/// passed over, and looked at again after a partial success, when it takes something else.
class UpstreamLogin final : private LoginHost {
 public:
  /// sshd ends the connection at the sixth attempt that it refuses (MaxAuthTries).
  static constexpr std::uint32_t kMaxTries = 6;

  enum class Outcome : std::uint8_t { pending, in, refused };
  /// What the target has refused, the weightiest: something of the bastion's own, or only what this one client has brought along
  /// or answered. Nothing: there was nothing to be tried, or a person could have helped, and the login may be tried again at
  /// once.
  enum class Refused : std::uint8_t { nothing, the_clients, ours };

  /// All of these outlive it.
  UpstreamLogin(LoopIo& io, SshTransport& connection, const ClientOptions& options,
                const std::vector<ReadyCredential>& credentials, UpstreamLoginEvents& events);

  /// Goes on as far as it can. Called whenever the target has said something, and on the turns that
  /// SshTransport::call_driver() was asked for.
  Outcome proceed();
  /// The credential that did it, after `in`: "key:…", "agent:… + keyboard-interactive".
  std::string credential() const;
  /// Why it was refused, for the log.
  std::string detail() const;
  /// What clients are to know: why nobody answered a question of the target's; empty: nothing.
  const std::string& told() const { return told_; }
  /// After `refused`, or when the target has ended the connection over it.
  Refused refused() const;

  // The client's answers, to the method that has asked.
  void on_agent(Result<net::Fd> socket);
  void on_answers(std::vector<SecretString> answers);
  void on_no_answer(std::string told);

 private:
  // LoginHost
  ssh_session_struct* session() override { return connection_.session(); }
  LoopIo& io() override { return io_; }
  const ClientOptions& options() const override { return options_; }
  void wake() override { connection_.call_driver(); }
  void want_agent() override { events_.on_agent_needed(); }
  void ask(UpstreamQuestion question) override { events_.on_question_asked(std::move(question)); }
  bool takes(int method) const override { return !taken_ || (*taken_ & method) != 0; }
  std::uint32_t offers_left() const override;
  void note_refused_offer() override { ++tries_; }

  /// Asks which methods the target takes. False while it has not answered.
  bool ask_methods();
  bool choose();
  void note(const ReadyCredential& credential, const std::string& what);
  void note_refused(const ReadyCredential& credential);

  LoopIo& io_;
  SshTransport& connection_;
  const ClientOptions& options_;
  const std::vector<ReadyCredential>& credentials_;
  UpstreamLoginEvents& events_;
  std::vector<bool> tried_;             // by credential
  std::optional<std::size_t> current_;  // of them
  std::unique_ptr<LoginMethod> method_;
  std::optional<int> taken_;  // the methods that can continue, once the target has named them
  bool asked_ = false;        // the target, by the method "none"
  bool in_without_ = false;   // it let us in without any
  bool unanswered_ = false;   // a question of its
  Refused refused_ = Refused::nothing;
  bool partial_ = false;
  std::uint32_t tries_ = 0;
  std::string accepted_;
  std::string log_;
  std::string told_;
};

}  // namespace sallyport::ssh
