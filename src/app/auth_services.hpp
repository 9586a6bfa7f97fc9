// What all logins of a gate share.
#pragma once

#include <memory>

#include <sallyport/config.hpp>

#include "auth/one_time_codes.hpp"
#include "auth/password_failures.hpp"

namespace sallyport::app {

/// Belongs to the loop that the logins run on.
struct AuthServices {
  /// For the logins from now on; what is known of users stays.
  void configure(const AuthSettings& settings) {
    failures.configure(settings.max_password_failures_per_user, settings.password_failure_window);
  }

  auth::PasswordFailures failures;
  /// Shared with checks in the thread pool, which may outlive the gate.
  std::shared_ptr<auth::OneTimeCodes> codes = std::make_shared<auth::OneTimeCodes>();
};

}  // namespace sallyport::app
