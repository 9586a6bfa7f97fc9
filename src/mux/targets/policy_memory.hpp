// What has been learnt of the targets of a policy, for a while.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>

#include <sallyport/clock.hpp>
#include <sallyport/target.hpp>

namespace sallyport::mux {

/// A server may treat another login otherwise. So what one trunk has learnt holds for trunks of the same policy, and not for
/// long: a server may be configured anew, or have had a bad moment.
template <typename Fact>
class PolicyMemory {
 public:
  static constexpr Duration kRemembered = std::chrono::minutes(10);
  /// More are not remembered: the one that would be forgotten first makes room.
  static constexpr std::size_t kMaximumEntries = 1024;

  explicit PolicyMemory(const Clock& clock) : clock_(clock) {}

  /// What is known of that policy; nothing when nobody knows.
  std::optional<Fact> of(const SharedTarget& policy) const {
    const auto entry = entries_.find(policy);
    if (entry == entries_.end() || entry->second.until <= clock_.now()) return std::nullopt;
    return entry->second.fact;
  }

  void learn(const SharedTarget& policy, Fact fact) {
    if (entries_.size() >= kMaximumEntries && !entries_.contains(policy)) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
    }
    entries_[policy] = {fact, clock_.now() + kRemembered};
  }

  void forget(const SharedTarget& policy) { entries_.erase(policy); }

 private:
  struct Entry {
    Fact fact{};
    TimePoint until;
  };

  const Clock& clock_;
  std::map<SharedTarget, Entry> entries_;
};

}  // namespace sallyport::mux
