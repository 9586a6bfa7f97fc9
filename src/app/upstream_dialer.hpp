// Upstream connections over libssh, as the pool of trunks asks for them.
#pragma once

#include <memory>
#include <string>

#include <sallyport/upstream.hpp>

#include "ssh/loop_io.hpp"

namespace sallyport::app {

class UpstreamDialer final : public UpstreamConnector {
 public:
  /// `io` outlives the dialer and its attempts.
  explicit UpstreamDialer(ssh::LoopIo& io) : io_(io) {}
  /// What follows "SSH-2.0-", from now on.
  void set_identification(std::string identification) { identification_ = std::move(identification); }

  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, UpstreamEvents& events) override;

 private:
  ssh::LoopIo& io_;
  std::string identification_;
};

}  // namespace sallyport::app
