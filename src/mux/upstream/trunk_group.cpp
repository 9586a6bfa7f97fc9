#include "mux/upstream/trunk_group.hpp"

#include <algorithm>
#include <utility>

#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {
namespace {

constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::minutes(1);

}  // namespace

TrunkGroup::TrunkGroup(PoolParts& parts, const ShareKey& key) : parts_(parts), key_(key) {}
TrunkGroup::~TrunkGroup() = default;

PooledTrunk* TrunkGroup::ready_for(const TrunkUse& use, const std::optional<ConnectionId>& client) const {
  PooledTrunk* best = nullptr;
  for (const auto& trunk : trunks_) {
    if (!trunk->is_ready() || !trunk->takes(use) || !trunk->serves(client)) continue;
    if (use.beside == trunk->id()) return trunk.get();
    if (best == nullptr || better(*trunk, *best)) best = trunk.get();
  }
  return best;
}

bool TrunkGroup::better(const PooledTrunk& trunk, const PooledTrunk& other) const {
  // Spare trunks are for what the used ones have no room for; without the wish for spare ones, idle trunks share the work.
  if (warm_ > 0 && trunk.is_idle() != other.is_idle()) return other.is_idle();
  return trunk.used() < other.used();
}

PooledTrunk* TrunkGroup::coming_for(const TrunkUse& use, const std::optional<ConnectionId>& client) const {
  PooledTrunk* best = nullptr;
  for (const auto& trunk : trunks_) {
    // Until one login has succeeded there is no second one beside it: a wrong key is tried once, not ten times.
    if (!trunk->is_coming() || (proven() && !(trunk->takes(use) && trunk->serves(client)))) continue;
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

PooledTrunk& TrunkGroup::add(const UpstreamClient& client) {
  trunks_.push_back(std::make_unique<PooledTrunk>(parts_, *this, TrunkIdentity{parts_.pool.next_trunk_id(), {key_, client}}));
  PooledTrunk& trunk = *trunks_.back();
  trunk.begin();
  return trunk;
}

std::unique_ptr<PooledTrunk> TrunkGroup::take_out(PooledTrunk& trunk) {
  const auto place =
      std::find_if(trunks_.begin(), trunks_.end(), [&trunk](const auto& sibling) { return sibling.get() == &trunk; });
  if (place == trunks_.end()) return nullptr;
  std::unique_ptr<PooledTrunk> taken = std::move(*place);
  trunks_.erase(place);
  return taken;
}

void TrunkGroup::remove_client(ConnectionId client) {
  if (clients_.erase(client) == 0 || !clients_.empty()) return;
  clients_left_ = parts_.clock.now();
  tending_.reset();
  for (const auto& trunk : trunks_) trunk->look_at_idle_time();
}

TimePoint TrunkGroup::kept_until(TimePoint idle_since, const Options& options) const {
  if (!clients_.empty()) return idle_since + options.idle_timeout;
  return std::max(idle_since, clients_left_) + options.linger.value_or(options.idle_timeout);
}

bool TrunkGroup::keeps(const PooledTrunk& trunk) const { return !clients_.empty() && trunk.is_idle() && spares() <= warm_; }

std::size_t TrunkGroup::spares() const {
  return static_cast<std::size_t>(std::count_if(trunks_.begin(), trunks_.end(), [](const auto& trunk) {
    return (trunk->is_ready() || trunk->is_coming()) && !trunk->ending() && trunk->in_use() == 0;
  }));
}

void TrunkGroup::note_use() {
  // Spares of a connection of its own would cost a login each, for a handful of sessions. And nobody would be there to answer
  // the questions of a spare one's login, which may well go to a person's telephone.
  warm_ = key_.only_for || asks_a_person(*key_.policy) ? 0 : key_.policy->options.warm;
  pause_ = Duration::zero();
  tend_soon();
}

void TrunkGroup::note_loss() {
  pause_ = pause_ == Duration::zero() ? kFirstPause : std::min(2 * pause_, kLongestPause);
  not_before_ = parts_.clock.now() + pause_;
}

void TrunkGroup::tend_soon() {
  if (warm_ == 0 || clients_.empty() || tending_ != nullptr) return;
  const TimePoint now = parts_.clock.now();
  tending_ = parts_.clock.after(std::max(not_before_, now) - now, [this] { tend(); });
}

void TrunkGroup::tend() {
  tending_.reset();
  if (clients_.empty() || parts_.clock.now() < not_before_) return tend_soon();
  // With no trunk left the target may be down: the next use shows.
  while (proven() && spares() < warm_ && parts_.pool.may_log_in(key_)) add(UpstreamClient{key_.user, {}, {}, false});
}

}  // namespace sallyport::mux
