// The port between the pool of trunks (mux) and the making of upstream connections (ssh, or a test's script).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/target.hpp>
#include <sallyport/transport.hpp>

namespace sallyport {

/// Why there is no upstream connection. `told` is for the client: short, honest, without paths or other users' names.
struct UpstreamFailure {
  Errc code = Errc::io;
  std::string told;    ///< "target web1 can't be reached: connection refused"
  std::string detail;  ///< for the log
  /// The login was refused for what that one client has brought along, or has answered: it says nothing about anybody else's.
  bool of_client = false;
};

/// On whose behalf a login at a target is made, and what that client has brought along for it. A plain value, so that it may
/// go to another thread. What the login still needs of the client is asked for by UpstreamEvents.
struct UpstreamClient {
  std::string user;                        ///< who the client is, here
  std::optional<ConnectionId> connection;  ///< whose channel the login is for; absent: nobody waits for it
  /// What was typed at the login here; null: nothing, or it may not be used. Wiped with the last copy of the pointer.
  std::shared_ptr<const SecretString> password;
  bool lends_agent = false;  ///< on_agent_wanted() can be answered by an agent
};

/// What a target asks a person by the method keyboard-interactive (RFC 4256, 3.2). The texts are the target's: to be
/// cleaned before they are shown, and to be shown to nobody but the client for whom the login is made.
struct UpstreamQuestion {
  struct Prompt {
    std::string text;
    bool echo = false;  ///< what is typed may be seen
  };
  std::string name;
  std::string instruction;
  std::vector<Prompt> prompts;  ///< none: there is something to tell, and nothing to answer
};

/// Where the answers go to what a login needs of its client. An answer to what wasn't asked, or not any more, is no harm. None
/// of these calls anything back.
class UpstreamAnswers {
 public:
  virtual ~UpstreamAnswers() = default;
  /// The client's agent is at the other end of the stream that this makes: the login writes its requests there, in the
  /// language of the agent protocol. Destroying the stream is the end of the agent. Null when no login wants it (any more).
  [[nodiscard]] virtual std::unique_ptr<Stream> lend_agent(StreamEvents& events) = 0;
  /// `why` is for the log.
  virtual void refuse_agent(std::string why) = 0;
  /// In the order of the prompts, one for each.
  virtual void answer(std::vector<SecretString> answers) = 0;
  /// There is nobody to answer. `told` says why, for the clients who wait: "it asks a question, and there is no terminal".
  virtual void refuse_answer(std::string told) = 0;
};

/// What a login may need of the client for whom it is made. Each is answered once, in the call or later, through `to`, which
/// is there as long as whoever asks.
class UpstreamNeeds {
 public:
  virtual ~UpstreamNeeds() = default;
  /// It is the turn of the credential "forwarded-agent": answered by lend_agent() or refuse_agent(). Asked only of a client
  /// that `lends_agent`.
  virtual void on_agent_wanted(UpstreamAnswers& to) = 0;
  /// Answered by answer() or refuse_answer(). While it waits the login has kAnswerTime.
  virtual void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) = 0;
};

/// An upstream login under way; destroying it gives it up.
class UpstreamAttempt : public UpstreamAnswers {};

/// Receives what an attempt needs, and then its outcome: exactly one of on_connected() and on_connect_failed(). All from the
/// loop, never inside connect().
///
/// An attempt may run on another loop than its user. Then what stands between them passes each of these calls on as a
/// message, and each answer likewise: all that goes over is plain values, and for lend_agent() one end of a socket pair.
class UpstreamEvents : public UpstreamNeeds {
 public:
  /// Looked up, connected, host key verified, logged in. The events of `transport` go nowhere until attach().
  virtual void on_connected(std::unique_ptr<Transport> transport) = 0;
  virtual void on_connect_failed(const UpstreamFailure& why) = 0;
};

/// How long a person may take for one answer to a target.
inline constexpr Duration kAnswerTime = std::chrono::seconds(90);

/// How long a target may take to decide about a login, from the end of the key exchange on, or from the last answer: some ask
/// servers elsewhere first.
inline constexpr Duration kLoginTime = std::chrono::seconds(60);

/// An attempt whose connection is carried by somebody else: what is written to `carrier` reaches the attempt, and the other
/// way round.
struct CarriedAttempt {
  std::unique_ptr<UpstreamAttempt> attempt;
  std::unique_ptr<Stream> carrier;
};

/// Keeps known_hosts up to date with what one connection's target tells of its host keys (OpenSSH's PROTOCOL, 2.5). Destroying
/// it gives up what is under way.
class HostKeyLearner {
 public:
  virtual ~HostKeyLearner() = default;
  /// The fields of hostkeys-00@openssh.com. `ask` is called, later, with the fields of the hostkeys-prove-00@openssh.com that
  /// is to be sent; not when there is nothing to be proved.
  virtual void on_keys(ByteView fields, std::function<void(Bytes)> ask) = 0;
  /// The fields of its answer.
  virtual void on_proof(ByteView fields) = 0;
};

/// Makes upstream connections: name look-up, TCP, handshake and host key check within the target's connect_timeout, and then
/// the login within kLoginTime.
class UpstreamConnector {
 public:
  virtual ~UpstreamConnector() = default;
  [[nodiscard]] virtual std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                                 UpstreamEvents& events) = 0;
  /// The same without a connection of its own: the handshake with the target is made over the carrier.
  [[nodiscard]] virtual CarriedAttempt connect_over(const ResolvedTarget& target, const UpstreamClient& client,
                                                    UpstreamEvents& events, StreamEvents& carrier_events) = 0;
  /// For a connection to `target` with that session identifier; null when nothing is to be learnt there.
  [[nodiscard]] virtual std::unique_ptr<HostKeyLearner> learn_host_keys(const ResolvedTarget& target, Bytes session_id) = 0;
};

}  // namespace sallyport
