// Looks at a target's host keys, one key exchange for each type, without a login.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/connections.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/upstream.hpp>

#include "dial/upstream_dialer.hpp"
#include "net/loop/loop.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::dial {

/// Destroying it gives the scan up.
class HostKeyScan final : private UpstreamEvents {
 public:
  using Done = std::function<void(Result<std::vector<ScannedKey>>)>;

  /// `done` is called once, later, and may destroy the scan. It fails when the target shows no key of any type, with the
  /// first failure that says more than that they have no algorithm in common.
  HostKeyScan(UpstreamDialer& dialer, net::Loop& loop, ResolvedTarget target, Done done);
  ~HostKeyScan() override;

 private:
  void on_connected(std::unique_ptr<Transport> transport) override;
  void on_connect_failed(const UpstreamFailure& why) override;
  void on_agent_wanted(UpstreamAnswers& to) override { to.refuse_agent("this is no login"); }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion&) override { to.refuse_answer("this is no login"); }

  void look_at_next();
  void note(ByteView key_blob);

  UpstreamDialer& dialer_;
  net::Loop& loop_;
  const ResolvedTarget target_;
  OutcomeOnce<Result<std::vector<ScannedKey>>> done_;
  std::size_t next_ = 0;  // of the types
  std::unique_ptr<UpstreamAttempt> attempt_;
  std::vector<ScannedKey> found_;
  std::string failure_;
};

}  // namespace sallyport::dial
