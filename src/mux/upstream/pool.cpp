#include "mux/upstream/pool.hpp"

#include <algorithm>
#include <utility>

#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {

using wire::OpenFailureReason;

namespace {

/// For the client as well: it is the administrator whom it will ask.
std::string too_many(std::string_view what, std::string_view option, std::uint32_t limit) {
  return "too many " + std::string(what) + ": " + std::string(option) + " is " + std::to_string(limit) + "; try again later";
}

}  // namespace

Pool::Pool(UpstreamConnector& connector, Clock& clock, Graveyard& graveyard, Journal& journal, PoolLimits limits)
    : connector_(connector),
      clock_(clock),
      graveyard_(graveyard),
      journal_(journal),
      limits_(limits),
      logins_(clock, limits.logins_per_target),
      breaker_(clock),
      session_limits_(clock),
      lifetime_limits_(clock),
      bears_questions_(clock),
      refuses_programs_(clock) {
  accounts_.set_limits(limits.held);
}

Pool::~Pool() {
  for (PooledTrunk* trunk : all_trunks()) trunk->part();  // while what carries them is still there
}

void Pool::set_limits(PoolLimits limits) {
  limits_ = limits;
  accounts_.set_limits(limits.held);
  logins_.set_limit(limits.logins_per_target);
}

std::unique_ptr<Lease> Pool::lease(TrunkAccess access, ResolvedTarget target, OpenRequest request, LeaseEvents& events) {
  return begin(std::unique_ptr<Lease>(new Lease(*this, std::move(access), std::move(target), std::move(request), events)));
}

std::unique_ptr<Lease> Pool::hold(TrunkAccess access, ResolvedTarget target, std::optional<TrunkId> beside, HoldEvents& holder) {
  return begin(std::unique_ptr<Lease>(new Lease(*this, std::move(access), std::move(target), beside, holder)));
}

std::unique_ptr<Lease> Pool::begin(std::unique_ptr<Lease> lease) {
  TrunkGroup& group = groups_.try_emplace(lease->key(), *this, lease->key()).first->second;
  group.add_client(*lease->access_.client.connection);
  place(*lease);
  lease->placed_ = true;
  return lease;
}

std::optional<TrunkId> Pool::trunk_for(const TrunkAccess& access, const OpenRequest& request) const {
  const auto group = groups_.find(access.key);
  const PooledTrunk* const ready = group == groups_.end() ? nullptr : group->second.ready_for(request, access.client.connection);
  return ready == nullptr ? std::nullopt : std::optional(ready->id());
}

PooledTrunk* Pool::pooled(TrunkId id) const {
  for (PooledTrunk* trunk : all_trunks())
    if (trunk->id() == id) return trunk;
  return nullptr;
}

Trunk* Pool::find(TrunkId id) {
  PooledTrunk* const found = pooled(id);
  return found == nullptr ? nullptr : found->trunk();
}

std::optional<Pool::RefusedProgram> Pool::program_refused(TrunkId id) {
  const PooledTrunk* const trunk = pooled(id);
  if (trunk == nullptr) return std::nullopt;
  const SharedTarget& policy = trunk->key().policy;
  if (trunk->sessions_had() <= 1) {
    // It was no limit that made others refuse.
    refuses_programs_.learn(policy, true);
    session_limits_.forget(policy);
    lifetime_limits_.forget(policy);
    return std::nullopt;
  }
  if (refuses_programs_.of(policy)) return std::nullopt;
  return RefusedProgram{policy, trunk->sessions_had() - 1, trunk->other_sessions()};
}

void Pool::learn_limit(const RefusedProgram& refused) {
  refused.others > 0 ? session_limits_.learn(refused.policy, refused.others)
                     : lifetime_limits_.learn(refused.policy, refused.had);
}

std::unique_ptr<Lease> Pool::lease_for_trunk(TrunkAccess access, ResolvedTarget target, OpenRequest request,
                                             LeaseEvents& events) {
  std::unique_ptr<Lease> lease(new Lease(*this, std::move(access), std::move(target), std::move(request), events));
  place(*lease);
  return lease;
}

void Pool::drain_riders(TrunkId carrier) {
  for (PooledTrunk* trunk : all_trunks())
    if (trunk->carrier() == carrier) trunk->drain("the trunk that it goes through drains");
}

bool Pool::drains(TrunkId id) const {
  const PooledTrunk* const trunk = pooled(id);
  return trunk != nullptr && trunk->is_draining();
}

void Pool::place(Lease& lease) {
  TrunkGroup& group = groups_.try_emplace(lease.key(), *this, lease.key()).first->second;
  if (PooledTrunk* ready = group.ready_for(lease.request_, lease.client())) return lease.go_on_with(*ready);
  PooledTrunk* coming = group.coming_for(lease.request_, lease.client());
  if (coming == nullptr) {
    if (ending_) return lease.fail_later(OpenFailureReason::connect_failed, "the bastion is ending");
    if (const auto pause = breaker_.pause_of(lease.key(), lease.client()))
      return lease.fail_later(OpenFailureReason::connect_failed, pause->told + "; next attempt in " + in_seconds(pause->left));
    if (trunks_of(lease.key().user) >= limits_.trunks_per_user)
      return lease.fail_later(OpenFailureReason::resource_shortage,
                              too_many("connections to targets", "max_trunks_per_user", limits_.trunks_per_user));
    coming = &begin_trunk(group, lease.target_, lease.access_.client);
    coming->set_opener(lease);
  }
  if (coming->used() >= limits_.waiting_per_trunk)
    return lease.fail_later(OpenFailureReason::resource_shortage,
                            too_many("channels wait for this target", "max_waiting_channels", limits_.waiting_per_trunk));
  lease.wait_on(*coming);
}

bool Pool::may_log_in(const ShareKey& key) const {
  return !draining_ && !ending_ && !breaker_.pause_of(key, std::nullopt) && trunks_of(key.user) < limits_.trunks_per_user;
}

PooledTrunk& Pool::begin_trunk(TrunkGroup& group, const ResolvedTarget& target, const UpstreamClient& client) {
  return group.add(TrunkId{++last_id_}, target, client);
}

void Pool::client_left(const std::string& user, ConnectionId client) {
  std::vector<PooledTrunk*> own;
  // Keys are ordered by user first.
  for (auto it = groups_.lower_bound(ShareKey{user, {}, {}, {}}); it != groups_.end() && it->first.user == user;) {
    if (it->first.only_for == client)
      for (const auto& trunk : it->second.trunks()) own.push_back(trunk.get());
    it->second.remove_client(client);
    it = it->second.empty() ? groups_.erase(it) : std::next(it);
  }
  for (PooledTrunk* trunk : own) {
    if (trunk->trunk() != nullptr) trunk->trunk()->end_loan();
    trunk->drain("its client is gone");
  }
}

std::size_t Pool::trunks_of(const std::string& user) const {
  std::size_t count = 0;
  for (auto it = groups_.lower_bound(ShareKey{user, {}, {}, {}}); it != groups_.end() && it->first.user == user; ++it)
    count += it->second.size();
  return count;
}

std::vector<PooledTrunk*> Pool::all_trunks() const {
  std::vector<PooledTrunk*> all;
  for (const auto& [key, group] : groups_)
    for (const auto& trunk : group.trunks()) all.push_back(trunk.get());
  return all;
}

void Pool::remove(PooledTrunk& trunk) {
  trunk.part();
  const auto entry = groups_.find(trunk.key());
  if (entry == groups_.end()) return;
  graveyard_.bury(entry->second.take_out(trunk));
  if (entry->second.empty()) groups_.erase(entry);
}

void Pool::drain(std::string_view why) {
  draining_ = true;
  for (PooledTrunk* trunk : all_trunks()) trunk->drain(why);
}

void Pool::end_all(std::string_view why) {
  ending_ = true;
  for (PooledTrunk* trunk : all_trunks()) trunk->end(why);  // one that is still connecting goes at once
}

void Pool::end_left_behind(std::string_view why) {
  const std::vector<PooledTrunk*> trunks = all_trunks();
  const auto carries = [&trunks](const PooledTrunk& trunk) {
    return std::any_of(trunks.begin(), trunks.end(),
                       [&trunk](const PooledTrunk* rider) { return rider->carrier() == trunk.id(); });
  };
  for (PooledTrunk* trunk : trunks)
    if (!trunk->ending() && !carries(*trunk)) trunk->end(why);
}

std::vector<PooledTrunk*> Pool::selected(const TrunkSelection& which) const {
  std::vector<PooledTrunk*> trunks = all_trunks();
  std::erase_if(trunks, [&which](const PooledTrunk* trunk) {
    return trunk->target().name != which.target || trunk->ending() || (!which.user.empty() && trunk->key().user != which.user);
  });
  return trunks;
}

std::size_t Pool::stop(const TrunkSelection& which, std::string_view why) {
  const std::vector<PooledTrunk*> trunks = selected(which);
  for (PooledTrunk* trunk : trunks) {
    trunk->group().let_cool();
    trunk->drain(why);
  }
  return trunks.size();
}

std::size_t Pool::end(const TrunkSelection& which, std::string_view why) {
  const std::vector<PooledTrunk*> trunks = selected(which);
  for (PooledTrunk* trunk : trunks) {
    trunk->group().let_cool();
    trunk->end(why);
  }
  return trunks.size();
}

std::size_t Pool::renew(const TrunkSelection& which, std::string_view why) {
  const std::vector<PooledTrunk*> trunks = selected(which);
  for (PooledTrunk* trunk : trunks) {
    session_limits_.forget(trunk->key().policy);
    lifetime_limits_.forget(trunk->key().policy);
    bears_questions_.forget(trunk->key().policy);
    refuses_programs_.forget(trunk->key().policy);
    trunk->drain(why);
  }
  return trunks.size() + breaker_.end_pauses(which.target, which.user);
}

void Pool::check(const TrunkSelection& which, std::function<void(TargetCheck)> done) {
  const std::uint64_t id = ++last_check_;
  Check& check = checks_[id];
  check.done = std::move(done);
  for (LoginPause& pause : breaker_.pauses())
    if (pause.target == which.target && (which.user.empty() || pause.user == which.user))
      check.found.pauses.push_back(std::move(pause));
  std::vector<PooledTrunk*> trunks = selected(which);
  std::sort(trunks.begin(), trunks.end(), [](const auto* a, const auto* b) { return a->id() < b->id(); });
  for (PooledTrunk* trunk : trunks) {
    check.found.trunks.push_back({trunk->row(), trunk->has_logged_in(), {}});
    if (!trunk->has_logged_in() || trunk->trunk()->spares_questions()) continue;
    ++check.answers_to_come;
    trunk->probe([this, id, trunk_id = trunk->id()](Duration round_trip) { note_answer(id, trunk_id, round_trip); });
  }
  const Duration time = check.answers_to_come == 0 ? Duration::zero() : Connections::kCheckTime;
  check.deadline = clock_.after(time, [this, id] { finish_check(id); });
}

void Pool::note_answer(std::uint64_t id, TrunkId trunk, Duration round_trip) {
  const auto check = checks_.find(id);
  if (check == checks_.end()) return;
  for (TrunkCheck& row : check->second.found.trunks)
    if (row.row.id == trunk) row.round_trip = round_trip;
  if (--check->second.answers_to_come == 0) finish_check(id);
}

void Pool::finish_check(std::uint64_t id) {
  auto check = checks_.extract(id);
  if (check.empty()) return;
  check.mapped().done(std::move(check.mapped().found));
}

std::size_t Pool::trunk_count() const {
  std::size_t count = 0;
  for (const auto& [key, group] : groups_) count += group.trunks().size();
  return count;
}

std::vector<TrunkRow> Pool::trunks() const {
  std::vector<TrunkRow> rows;
  for (const PooledTrunk* trunk : all_trunks()) rows.push_back(trunk->row());
  std::sort(rows.begin(), rows.end(), [](const TrunkRow& a, const TrunkRow& b) { return a.id < b.id; });
  return rows;
}

}  // namespace sallyport::mux
