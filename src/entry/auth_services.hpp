// What all logins of a gate share.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <sallyport/config.hpp>

#include "auth/factors/one_time_codes.hpp"
#include "auth/factors/password_failures.hpp"
#include "entry/pam_helper.hpp"
#include "entry/pam_sessions.hpp"
#include "net/loop/work_lane.hpp"

namespace sallyport::app {

/// Belongs to the loop that the logins run on.
struct AuthServices {
  /// The references outlive it.
  AuthServices(net::Loop& loop, Clock& clock, child::LocalLauncher& launcher, log::Records& records)
      : look_ups(loop, kLookUps), checks(loop, kChecks), pam{loop, launcher, records, {}}, sessions(loop, clock) {}

  /// For the logins from now on; what is known of users stays. `pam_helper` is the path of the helper's program.
  void configure(const AuthSettings& settings, std::string pam_helper) {
    pam.program = std::move(pam_helper);
    failures.configure(settings.max_password_failures_per_user, settings.password_failure_window);
  }

  /// How many threads strangers can keep busy with keys, whose files or program may be slow, and with passwords, each of which
  /// costs some 40 ms of a core.
  static constexpr std::size_t kLookUps = 8;
  static constexpr std::size_t kChecks = 2;

  net::WorkLane look_ups;
  net::WorkLane checks;
  auth::PasswordFailures failures;
  /// Shared with checks in the thread pool, which may outlive the gate.
  std::shared_ptr<auth::OneTimeCodes> codes = std::make_shared<auth::OneTimeCodes>();
  PamEnvironment pam;
  PamSessions sessions;
};

}  // namespace sallyport::app
