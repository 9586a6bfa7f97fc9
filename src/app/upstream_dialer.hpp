// Upstream connections over libssh, by TCP, a proxy command or another one's channel, as the pool of trunks asks for them.
#pragma once

#include <memory>
#include <string>

#include <sallyport/upstream.hpp>

#include "child/launcher.hpp"
#include "log/logger.hpp"
#include "net/lingering.hpp"
#include "ssh/client_login.hpp"
#include "ssh/loop_io.hpp"

namespace sallyport::app {

class UpstreamDialer final : public UpstreamConnector {
 public:
  /// All of these outlive the dialer, its attempts and their connections. The cryptography of logins is done on the loop of
  /// `away`.
  UpstreamDialer(ssh::LoopIo& io, ssh::LoopIo& away, child::LocalLauncher& launcher, log::Logger& logger)
      : io_(io), away_(away), launcher_(launcher), log_(logger), lingering_(io.loop()) {}
  /// What follows "SSH-2.0-", from now on.
  void set_identification(std::string identification) { identification_ = std::move(identification); }

  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                         UpstreamEvents& events) override;
  [[nodiscard]] CarriedAttempt connect_over(const ResolvedTarget& target, const UpstreamClient& client,
                                            UpstreamEvents& events, StreamEvents& carrier_events) override;

 private:
  ssh::ClientOptions options_for(const ResolvedTarget& target, const UpstreamClient& client) const;

  ssh::LoopIo& io_;
  ssh::LoopIo& away_;
  child::LocalLauncher& launcher_;
  log::Logger& log_;
  net::Lingering lingering_;
  std::string identification_;
};

}  // namespace sallyport::app
