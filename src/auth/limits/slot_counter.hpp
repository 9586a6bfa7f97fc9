// How many of something there are by name, counted by what holds them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sallyport::auth {

/// Counts the slots that are held for each name. Not for several threads.
class SlotCounter {
 public:
  /// Counts as long as it lives, which may be longer than the counter does.
  using Slot = std::shared_ptr<void>;

  std::uint32_t count(const std::string& name) const {
    const auto entry = counts_->find(name);
    return entry == counts_->end() ? 0 : entry->second;
  }

  [[nodiscard]] Slot take(const std::string& name) {
    const auto entry = counts_->try_emplace(name, 0).first;
    ++entry->second;
    return {&entry->second, [counts = counts_, name](void*) {
              const auto held = counts->find(name);
              if (--held->second == 0) counts->erase(held);
            }};
  }

 private:
  using Counts = std::map<std::string, std::uint32_t>;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace sallyport::auth
