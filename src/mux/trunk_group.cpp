#include "mux/trunk_group.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mux/pooled_trunk.hpp"

namespace sallyport::mux {

TrunkGroup::TrunkGroup(Pool& pool, const ShareKey& key) : pool_(pool), key_(key) {}
TrunkGroup::~TrunkGroup() = default;

PooledTrunk* TrunkGroup::ready_for(const OpenRequest& request) const {
  PooledTrunk* best = nullptr;
  for (const auto& trunk : trunks_) {
    if (!trunk->is_ready() || !trunk->takes(request)) continue;
    if (best == nullptr || trunk->used() < best->used()) best = trunk.get();
  }
  return best;
}

PooledTrunk* TrunkGroup::coming_for(const OpenRequest& request) const {
  PooledTrunk* best = nullptr;
  for (const auto& trunk : trunks_) {
    // Until one login has succeeded there is no second one beside it: a wrong key is tried once, not ten times.
    if (!trunk->is_coming() || (proven() && !trunk->takes(request))) continue;
    if (best == nullptr || trunk->used() < best->used()) best = trunk.get();
  }
  return best;
}

bool TrunkGroup::proven() const {
  return std::any_of(trunks_.begin(), trunks_.end(), [](const auto& trunk) { return trunk->has_logged_in(); });
}

std::size_t TrunkGroup::size() const {
  return static_cast<std::size_t>(
      std::count_if(trunks_.begin(), trunks_.end(), [](const auto& trunk) { return !trunk->ending(); }));
}

PooledTrunk& TrunkGroup::add(TrunkId id, const ResolvedTarget& target) {
  trunks_.push_back(std::make_unique<PooledTrunk>(pool_, id, key_, target));
  PooledTrunk& trunk = *trunks_.back();
  trunk.begin();
  return trunk;
}

std::unique_ptr<PooledTrunk> TrunkGroup::take_out(PooledTrunk& trunk) {
  const auto place =
      std::find_if(trunks_.begin(), trunks_.end(), [&trunk](const auto& sibling) { return sibling.get() == &trunk; });
  assert(place != trunks_.end());
  std::unique_ptr<PooledTrunk> taken = std::move(*place);
  trunks_.erase(place);
  return taken;
}

}  // namespace sallyport::mux
