#include "mux/upstream/session_limits.hpp"

#include <algorithm>

namespace sallyport::mux {

std::optional<std::size_t> SessionLimits::of(const std::string& policy) const {
  const auto entry = limits_.find(policy);
  if (entry == limits_.end() || entry->second.until <= clock_.now()) return std::nullopt;
  return entry->second.sessions;
}

void SessionLimits::learn(const std::string& policy, std::size_t sessions) {
  if (limits_.size() >= kMaximumEntries && !limits_.contains(policy)) {
    limits_.erase(std::min_element(limits_.begin(), limits_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  }
  limits_[policy] = {sessions, clock_.now() + kRemembered};
}

void SessionLimits::disprove(const std::string& policy, std::size_t sessions) {
  const auto entry = limits_.find(policy);
  if (entry != limits_.end() && entry->second.sessions < sessions) limits_.erase(entry);
}

}  // namespace sallyport::mux
