#include "mux/pool.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mux/pooled_trunk.hpp"

namespace sallyport::mux {
namespace {

/// A lease whose trunk goes before the open was answered is tried again on another that many times.
constexpr std::uint32_t kMaximumLosses = 2;

/// Reasons with which servers say that there are too many sessions. sshd uses connect_failed for that; of other
/// channels it says so when the connection behind them fails.
bool may_be_a_limit(const std::string& type, wire::OpenFailureReason reason) {
  if (type != "session") return false;
  return reason == wire::OpenFailureReason::connect_failed || reason == wire::OpenFailureReason::resource_shortage;
}

}  // namespace

// --- Lease -------------------------------------------------------------------------------------------------------

Lease::Lease(Pool& pool, ShareKey key, ResolvedTarget target, OpenRequest request, LeaseEvents& events)
    : pool_(pool), key_(std::move(key)), target_(std::move(target)), request_(std::move(request)), events_(&events) {}

Lease::~Lease() {
  if (channel_ != nullptr) {
    channel_->abandon();
  } else if (trunk_ != nullptr) {
    trunk_->stop_waiting(*this);
  }
}

void Lease::open_on(PooledTrunk& trunk) {
  trunk_ = &trunk;
  channel_ = &trunk.open(request_, *this);
}

void Lease::on_open_confirmed() {
  trunk_->note_confirmed();
  Channel& channel = *std::exchange(channel_, nullptr);
  const TrunkId trunk = std::exchange(trunk_, nullptr)->id();
  events_->on_leased(channel, trunk);
}

void Lease::on_open_refused(wire::OpenFailureReason reason, std::string_view description) {
  channel_ = nullptr;
  PooledTrunk& trunk = *std::exchange(trunk_, nullptr);
  if (may_be_a_limit(request_.type, reason) && trunk.note_refused()) return pool_.place(*this);
  fail(reason, "target " + target_.name + " refused the channel: " + std::string(description));
}

void Lease::on_open_lost(std::string_view told) {
  channel_ = nullptr;
  trunk_ = nullptr;
  // Nothing has been started yet, so it is safe to try again: the connection may have been dead for long.
  if (++losses_ <= kMaximumLosses) return pool_.place(*this);
  fail(wire::OpenFailureReason::connect_failed, std::string(told));
}

void Lease::fail(wire::OpenFailureReason reason, std::string told) {
  channel_ = nullptr;
  trunk_ = nullptr;
  events_->on_lease_failed(reason, told);
}

void Lease::fail_later(wire::OpenFailureReason reason, std::string told) {
  failing_ = pool_.clock_.after(Duration::zero(), [this, reason, told = std::move(told)] { fail(reason, told); });
}

// --- Pool --------------------------------------------------------------------------------------------------------

Pool::Pool(UpstreamConnector& connector, Clock& clock, Graveyard& graveyard, Journal& journal, PoolLimits limits)
    : connector_(connector), clock_(clock), graveyard_(graveyard), journal_(journal), limits_(limits) {}

Pool::~Pool() = default;

std::unique_ptr<Lease> Pool::lease(ShareKey key, ResolvedTarget target, OpenRequest request,
                                   LeaseEvents& events) {
  std::unique_ptr<Lease> lease(new Lease(*this, std::move(key), std::move(target), std::move(request), events));
  place(*lease);
  return lease;
}

void Pool::place(Lease& lease) {
  // The least used trunk, for a server does all the work of a connection in one process; a ready one before one
  // that is still connecting.
  PooledTrunk* best = nullptr;
  const auto burden = [](const PooledTrunk& trunk) { return std::pair(trunk.connecting(), trunk.used()); };
  if (const auto entry = trunks_.find(lease.key_); entry != trunks_.end()) {
    for (const auto& trunk : entry->second) {
      if (!trunk->takes_one_more()) continue;
      if (best == nullptr || burden(*trunk) < burden(*best)) best = trunk.get();
    }
  }
  if (best != nullptr && !best->connecting()) return lease.open_on(*best);
  if (best == nullptr) {
    if (ending_) return lease.fail_later(wire::OpenFailureReason::connect_failed, "the bastion is ending");
    if (trunks_of(lease.key_.user) >= limits_.trunks_per_user)
      return lease.fail_later(wire::OpenFailureReason::resource_shortage,
                              "too many connections to targets; try again later");
    auto& siblings = trunks_[lease.key_];
    siblings.push_back(std::make_unique<PooledTrunk>(*this, TrunkId{++last_id_}, lease.key_, lease.target_));
    best = siblings.back().get();
  }
  if (best->used() >= limits_.waiting_per_trunk)
    return lease.fail_later(wire::OpenFailureReason::resource_shortage, "too many channels wait for this target");
  lease.trunk_ = best;
  best->wait(lease);
}

std::size_t Pool::trunks_of(const std::string& user) const {
  std::size_t count = 0;
  // Keys are ordered by user first.
  for (auto it = trunks_.lower_bound(ShareKey{user, {}, {}}); it != trunks_.end() && it->first.user == user; ++it)
    count += static_cast<std::size_t>(std::count_if(it->second.begin(), it->second.end(),
                                                    [](const auto& trunk) { return !trunk->ending(); }));
  return count;
}

void Pool::remove(PooledTrunk& trunk) {
  const auto entry = trunks_.find(trunk.key());
  assert(entry != trunks_.end());
  auto& siblings = entry->second;
  const auto place = std::find_if(siblings.begin(), siblings.end(),
                                  [&trunk](const auto& sibling) { return sibling.get() == &trunk; });
  assert(place != siblings.end());
  graveyard_.bury(std::move(*place));
  siblings.erase(place);
  if (siblings.empty()) trunks_.erase(entry);
}

void Pool::drain(std::string_view why) {
  std::vector<PooledTrunk*> all;
  for (auto& [key, siblings] : trunks_)
    for (auto& trunk : siblings) all.push_back(trunk.get());
  for (PooledTrunk* trunk : all) trunk->drain(why);
}

void Pool::end_all(std::string_view why) {
  ending_ = true;
  std::vector<PooledTrunk*> all;  // one that is still connecting goes at once
  for (auto& [key, siblings] : trunks_)
    for (auto& trunk : siblings) all.push_back(trunk.get());
  for (PooledTrunk* trunk : all) trunk->end(why);
}

std::size_t Pool::trunk_count() const {
  std::size_t count = 0;
  for (const auto& [key, siblings] : trunks_) count += siblings.size();
  return count;
}

std::vector<TrunkRow> Pool::trunks() const {
  std::vector<TrunkRow> rows;
  for (const auto& [key, siblings] : trunks_)
    for (const auto& trunk : siblings) rows.push_back(trunk->row());
  std::sort(rows.begin(), rows.end(), [](const TrunkRow& a, const TrunkRow& b) { return a.id < b.id; });
  return rows;
}

}  // namespace sallyport::mux
