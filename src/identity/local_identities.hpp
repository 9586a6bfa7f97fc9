// Who the users of this machine are: by its key files and programs, the files of [auth], and PAM.
#pragma once

#include <memory>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/identity.hpp>

#include "auth/factors/one_time_codes.hpp"
#include "auth/factors/password_failures.hpp"
#include "child/launch/launcher.hpp"
#include "identity/pam_helper.hpp"
#include "identity/pam_sessions.hpp"
#include "log/records.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/work_lane.hpp"

namespace sallyport::identity {

class LocalIdentities final : public Identities {
 public:
  /// The references outlive it. It and its checks belong to `loop`.
  LocalIdentities(net::Loop& loop, Clock& clock, child::LocalLauncher& launcher, log::Records& records);

  /// For attempts from now on; what is known of users stays. `pam_helper` is the path of the helper's program; empty without
  /// auth.pam_service.
  void configure(const AuthSettings& settings, std::string pam_helper);
  [[nodiscard]] std::unique_ptr<IdentityCheck> check(Claimant claimant, IdentityEvents& events) override;

 private:
  class Check;

  /// How many threads strangers can keep busy with keys, whose files or program may be slow, and with passwords, each of which
  /// costs some 40 ms of a core.
  static constexpr std::size_t kLookUps = 8;
  static constexpr std::size_t kChecks = 2;

  net::Loop& loop_;
  Clock& clock_;
  net::WorkLane look_ups_;
  net::WorkLane checks_;
  auth::PasswordFailures failures_;
  /// Shared with checks in the thread pool, which may outlive this.
  std::shared_ptr<auth::OneTimeCodes> codes_ = std::make_shared<auth::OneTimeCodes>();
  PamEnvironment pam_;
  PamSessions sessions_;
};

}  // namespace sallyport::identity
