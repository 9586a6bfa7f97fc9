// An upstream login with the keys of an agent.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssh/upstream/agent_client.hpp"
#include "ssh/upstream/login_method.hpp"

namespace sallyport::ssh {

/// Each key is offered, and only one that the target would take is used to sign: an agent may ask its owner each time.
class AgentMethod final : public LoginMethod {
 public:
  /// An agent that doesn't list its keys within this time is left out.
  static constexpr Duration kListTime = std::chrono::seconds(4);

  /// `path` is the agent's socket on the bastion; empty: it is the client's agent.
  AgentMethod(LoginHost& host, std::string path);
  ~AgentMethod() override;

  MethodStep proceed() override;
  void on_agent(Result<net::Fd> socket) override;

 private:
  enum class State : std::uint8_t {
    fresh,
    waiting,   ///< for the agent
    choosing,  ///< the next key
    offering,
    has_signature,
    sent,
    failed,
  };

  void open();
  void talk(Result<net::Fd> socket);
  void list();
  void give_up(std::string why);
  /// False when there is none left.
  bool choose();
  void sign();
  MethodStep send();
  MethodStep exhausted();

  const std::string path_;
  State state_ = State::fresh;
  std::unique_ptr<AgentClient> agent_;
  std::optional<agent::SessionBinding> binding_;  // of this connection, as the agent has been told
  std::unique_ptr<Timer> limit_;
  std::vector<AgentIdentity> identities_;
  std::size_t next_ = 0;  // of identities_
  std::size_t offered_ = 0;
  KeyHandle key_;  // the public half of the one that is being tried
  std::string algorithm_;
  Bytes request_;  // USERAUTH_REQUEST up to its signature
  Bytes signature_;
};

}  // namespace sallyport::ssh
