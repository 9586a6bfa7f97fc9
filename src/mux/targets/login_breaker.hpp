// A pause after a login that the target refused, so that a wrong key is not tried again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"

namespace sallyport::mux {

/// sshd punishes the address that failed logins come from (PerSourcePenalties), which is the bastion's and so everybody's.
/// After a failure the next login of the same user with the same policy must wait: 1 s, 2 s, 4 s, … 60 s. A success
/// ends that, and so does time.
///
/// Only what the target itself has seen fail counts. A server that is down, or just being restarted, punishes nobody:
/// there the next attempt may come at once. A file of the bastion's own that is missing or can't be used doesn't either, nor
/// does what a client lacks. And what one client has brought along (UpstreamFailure::of_client) makes that one pause alone.
class LoginBreaker {
 public:
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(60);
  /// Without another failure for this long after a pause, the next one is a first one again.
  static constexpr Duration kRemembered = std::chrono::minutes(10);
  /// Beyond it, the user's entry that would be forgotten first makes room, or else anybody's.
  static constexpr std::size_t kMaximumEntries = 4096;

  explicit LoginBreaker(const Clock& clock) : clock_(clock) {}

  static bool counts(Errc code);
  /// The pause in which the next login for that client would fall; nothing when it may be tried.
  std::optional<LoginPause> pause_of(const ShareKey& key, const std::optional<ConnectionId>& client) const;
  /// Takes note of a failure that counts, and returns how long the pause is.
  Duration note_failure(const ShareKey& key, const UpstreamClient& client, const std::string& target, const UpstreamFailure& why);
  void note_success(const ShareKey& key, const std::optional<ConnectionId>& client);
  /// Those that go on now, by user and then policy.
  std::vector<LoginPause> pauses() const;
  /// Ends all pauses and forgets the failures.
  void end_all() { entries_.clear(); }
  /// Ends the pauses of a target, of one user or (empty) of all. Returns how many were going on.
  std::size_t end_pauses(const std::string& target, const std::string& user);

 private:
  /// Who, and with which policy: a connection that has trunks of its own doesn't get attempts of its own, unless it is for what
  /// it brings along itself.
  struct Login {
    std::string user;
    SharedTarget policy;
    std::optional<ConnectionId> client;
    auto operator<=>(const Login&) const = default;
  };
  struct Entry {
    std::string target;
    std::string told;
    std::uint32_t failures = 0;
    TimePoint until;
  };

  void make_room(const std::string& user);

  const Clock& clock_;
  std::map<Login, Entry> entries_;
};

/// "3 s": rounded up, so that nobody comes too early.
std::string in_seconds(Duration duration);

}  // namespace sallyport::mux
