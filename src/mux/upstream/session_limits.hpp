// How many sessions targets take on one connection, as far as refused opens have shown.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include <sallyport/clock.hpp>

namespace sallyport::mux {

/// sshd counts sessions (MaxSessions), not channels, and may count differently for another login. So what one trunk
/// has learnt holds for trunks of the same policy, and not for long: a server may be configured anew, or have had a bad
/// moment, and to learn it again costs a round trip that no client sees.
class SessionLimits {
 public:
  static constexpr Duration kRemembered = std::chrono::minutes(10);
  /// More are not remembered: the one that would be forgotten first makes room.
  static constexpr std::size_t kMaximumEntries = 1024;

  explicit SessionLimits(const Clock& clock) : clock_(clock) {}

  /// What a connection of this policy takes; nothing when nobody knows.
  std::optional<std::size_t> of(const std::string& policy) const;
  /// The target has refused one more than that many.
  void learn(const std::string& policy, std::size_t sessions);
  /// That many are open at a time: a limit below was wrong, or has been raised.
  void disprove(const std::string& policy, std::size_t sessions);
  void forget(const std::string& policy) { limits_.erase(policy); }

 private:
  struct Entry {
    std::size_t sessions = 0;
    TimePoint until;
  };

  const Clock& clock_;
  std::map<std::string, Entry> limits_;
};

}  // namespace sallyport::mux
