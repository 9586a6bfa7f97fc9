// Upstream connections over libssh, by TCP, a proxy command or another one's channel, as the pool of trunks asks for them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sallyport/journal.hpp>
#include <sallyport/upstream.hpp>

#include "child/launch/launcher.hpp"
#include "log/records.hpp"
#include "net/sockets/lingering.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/upstream/client_login.hpp"

namespace sallyport::dial {

class UpstreamDialer final : public UpstreamConnector {
 public:
  /// All of these outlive the dialer, its attempts and their connections. The cryptography of logins is done on the loop of
  /// `away`.
  UpstreamDialer(ssh::LoopIo& io, ssh::LoopIo& away, child::LocalLauncher& launcher, Journal& journal, log::Records& records)
      : io_(io), away_(away), launcher_(launcher), journal_(journal), records_(records), lingering_(io.loop()) {}
  /// What follows "SSH-2.0-", from now on.
  void set_identification(std::string identification) { identification_ = std::move(identification); }

  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                         UpstreamEvents& events) override;
  [[nodiscard]] CarriedAttempt connect_over(const ResolvedTarget& target, const UpstreamClient& client, UpstreamEvents& events,
                                            StreamEvents& carrier_events) override;
  [[nodiscard]] std::unique_ptr<HostKeyLearner> learn_host_keys(const ResolvedTarget& target, Bytes session_id) override;
  /// Looks at the host key of a target that is reached by TCP or a proxy command: `shown` is called with it, and the attempt
  /// fails then with Errc::closed.
  [[nodiscard]] std::unique_ptr<UpstreamAttempt> look(const ResolvedTarget& target, std::function<void(ByteView)> shown,
                                                      UpstreamEvents& events);

 private:
  std::unique_ptr<ssh::Carrier> carrier_for(const ResolvedTarget& target, const std::string& user);
  ssh::ClientOptions options_for(const ResolvedTarget& target, const UpstreamClient& client) const;

  ssh::LoopIo& io_;
  ssh::LoopIo& away_;
  child::LocalLauncher& launcher_;
  Journal& journal_;
  log::Records& records_;  // for what programs write on standard error
  net::Lingering lingering_;
  std::string identification_;
};

}  // namespace sallyport::dial
