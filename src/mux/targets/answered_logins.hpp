// Whom a trunk serves when a person has answered its login.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::mux {

/// The logins that persons have answered on the way to a trunk, its own among them: see Options::reuse_after_mfa.
class AnsweredLogins {
 public:
  /// One was answered through the client connection `by`, and serves other ones as well before `until`.
  void add(const std::optional<ConnectionId>& by, TimePoint until) { logins_.push_back({by, until}); }
  /// Those of the trunk that it goes through.
  void add(const AnsweredLogins& before) { logins_.insert(logins_.end(), before.logins_.begin(), before.logins_.end()); }
  /// Whether they may all serve that client connection now; absent: nobody's.
  bool serve(const std::optional<ConnectionId>& client, TimePoint now) const {
    return std::all_of(logins_.begin(), logins_.end(),
                       [&](const Login& login) { return (client && login.by == client) || now < login.until; });
  }

 private:
  struct Login {
    std::optional<ConnectionId> by;
    TimePoint until;
  };

  std::vector<Login> logins_;
};

}  // namespace sallyport::mux
