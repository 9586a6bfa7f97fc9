#include "mux/targets/login_breaker.hpp"

#include <algorithm>

namespace sallyport::mux {

std::string in_seconds(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()) + " s";
}

bool LoginBreaker::counts(Errc code) {
  switch (code) {
    case Errc::denied:    // no credential was accepted
    case Errc::host_key:  // we hung up before the login, which sshd counts as well
    case Errc::protocol:  // the handshake failed
      return true;
    default: return false;
  }
}

std::optional<LoginPause> LoginBreaker::pause_of(const ShareKey& key, const std::optional<ConnectionId>& client) const {
  for (const Login& login : {Login{key.user, key.policy, std::nullopt}, Login{key.user, key.policy, client}}) {
    const auto entry = entries_.find(login);
    if (entry != entries_.end() && entry->second.until > clock_.now())
      return LoginPause{key.user, entry->second.target, entry->second.until - clock_.now(), entry->second.told};
  }
  return std::nullopt;
}

void LoginBreaker::note_success(const ShareKey& key, const std::optional<ConnectionId>& client) {
  entries_.erase({key.user, key.policy, std::nullopt});
  entries_.erase({key.user, key.policy, client});
}

Duration LoginBreaker::note_failure(const ShareKey& key, const UpstreamClient& client, const std::string& target,
                                    const UpstreamFailure& why) {
  make_room(key.user);
  Entry& entry = entries_[{key.user, key.policy, why.of_client ? client.connection : std::nullopt}];
  if (entry.failures > 0 && clock_.now() > entry.until + kRemembered) entry.failures = 0;
  // Attempts that were under way together are one failure, or a burst would close the door for a minute.
  if (entry.failures == 0 || clock_.now() >= entry.until) ++entry.failures;
  Duration pause = kFirstPause;
  for (std::uint32_t i = 1; i < entry.failures && pause < kLongestPause; ++i) pause *= 2;
  pause = std::min(pause, kLongestPause);
  entry.target = target;
  entry.told = why.told;
  entry.until = clock_.now() + pause;
  return pause;
}

void LoginBreaker::make_room(const std::string& user) {
  if (entries_.size() < kMaximumEntries) return;
  std::erase_if(entries_, [this](const auto& entry) { return clock_.now() > entry.second.until + kRemembered; });
  if (entries_.size() < kMaximumEntries) return;
  // The user's own first: whoever fails at many targets must not shorten the pauses of others.
  entries_.erase(std::min_element(entries_.begin(), entries_.end(), [&user](const auto& a, const auto& b) {
    const bool others[] = {a.first.user != user, b.first.user != user};
    return others[0] != others[1] ? others[1] : a.second.until < b.second.until;
  }));
}

std::vector<LoginPause> LoginBreaker::pauses() const {
  std::vector<LoginPause> pauses;
  for (const auto& [login, entry] : entries_)
    if (entry.until > clock_.now()) pauses.push_back({login.user, entry.target, entry.until - clock_.now(), entry.told});
  return pauses;
}

std::size_t LoginBreaker::end_pauses(const std::string& target, const std::string& user) {
  std::size_t ended = 0;
  std::erase_if(entries_, [&](const auto& item) {
    if (item.second.target != target || (!user.empty() && item.first.user != user)) return false;
    if (item.second.until > clock_.now()) ++ended;
    return true;
  });
  return ended;
}

}  // namespace sallyport::mux
