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
    : parts_(static_cast<PoolDecisions&>(*this), connector, clock, graveyard, journal, limits) {}

Pool::~Pool() {
  for (PooledTrunk* trunk : all_trunks()) trunk->part();  // while what carries them is still there
}

void Pool::set_limits(PoolLimits limits) {
  parts_.limits = limits;
  parts_.accounts.set_limits(limits.held);
  parts_.logins.set_limit(limits.logins_per_target);
}

std::unique_ptr<ChannelWish> Pool::wish_for_channel(TrunkAccess access, OpenRequest request, ChannelWishEvents& events) {
  auto wish = std::make_unique<ChannelWish>(parts_, std::move(access), std::move(request), events);
  add_client(*wish);
  wish->begin();
  return wish;
}

std::unique_ptr<TrunkHold> Pool::hold(TrunkAccess access, std::optional<TrunkId> beside, TrunkHoldEvents& events) {
  auto hold = std::make_unique<TrunkHold>(parts_, std::move(access), beside, events);
  add_client(*hold);
  hold->place();
  return hold;
}

TrunkGroup& Pool::group_of(const ShareKey& key) { return groups_.try_emplace(key, parts_, key).first->second; }

void Pool::add_client(const TrunkWaiter& waiter) { group_of(waiter.key()).add_client(*waiter.client()); }

std::optional<TrunkId> Pool::trunk_for(const TrunkAccess& access, const OpenRequest& request) const {
  const auto group = groups_.find(access.key);
  const PooledTrunk* const ready =
      group == groups_.end() ? nullptr : group->second.ready_for(use_of(request), access.client.connection);
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
  const ShareKey& key = trunk->key();
  if (trunk->sessions_had() <= 1) {
    // It was no limit that made others refuse.
    parts_.learnt.refuses_programs.learn(key.policy, true);
    parts_.learnt.forget_limits(key);
    return std::nullopt;
  }
  if (parts_.learnt.refuses_programs.of(key.policy)) return std::nullopt;
  return RefusedProgram{key.policy, trunk->sessions_had() - 1, trunk->other_sessions()};
}

void Pool::learn_limit(const RefusedProgram& refused) {
  refused.others > 0 ? parts_.learnt.sessions_at_a_time.learn(refused.policy, refused.others)
                     : parts_.learnt.sessions_in_life.learn(refused.policy, refused.had);
}

void Pool::drain_riders(TrunkId id) {
  for (PooledTrunk* trunk : all_trunks())
    if (trunk->via() == id) trunk->drain("the trunk that it goes through drains");
}

void Pool::place(TrunkWaiter& waiter) {
  TrunkGroup& group = group_of(waiter.key());
  if (PooledTrunk* ready = group.ready_for(waiter.use(), waiter.client())) return waiter.go_on_with(*ready);
  PooledTrunk* coming = group.coming_for(waiter.use(), waiter.client());
  const bool begins = coming == nullptr;
  if (begins) {
    if (ending_) return waiter.fail_later(OpenFailureReason::connect_failed, Told("the bastion is ending"));
    if (const auto pause = parts_.breaker.pause_of(waiter.key(), waiter.client()))
      return waiter.fail_later(OpenFailureReason::connect_failed,
                               Told(pause->told + "; next attempt in " + in_seconds(pause->left)));
    if (trunks_of(waiter.key().user) >= parts_.limits.trunks_per_user)
      return waiter.fail_later(OpenFailureReason::resource_shortage,
                               Told(too_many("connections to targets", "max_trunks_per_user", parts_.limits.trunks_per_user)));
    coming = &group.add(waiter.access().client);
  }
  if (coming->used() >= parts_.limits.waiting_per_trunk)
    return waiter.fail_later(
        OpenFailureReason::resource_shortage,
        Told(too_many("channels wait for this target", "max_waiting_channels", parts_.limits.waiting_per_trunk)));
  if (begins) coming->set_opener(waiter);
  waiter.wait_on(*coming);
}

bool Pool::may_log_in(const ShareKey& key) const {
  return !draining_ && !ending_ && !parts_.breaker.pause_of(key, std::nullopt) &&
         trunks_of(key.user) < parts_.limits.trunks_per_user;
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
  parts_.graveyard.bury(entry->second.take_out(trunk));
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
  const auto has_riders = [&trunks](const PooledTrunk& trunk) {
    return std::any_of(trunks.begin(), trunks.end(), [&trunk](const PooledTrunk* rider) { return rider->via() == trunk.id(); });
  };
  for (PooledTrunk* trunk : trunks)
    if (!trunk->ending() && !has_riders(*trunk)) trunk->end(why);
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
    parts_.learnt.forget(trunk->key());
    trunk->drain(why);
  }
  return trunks.size() + parts_.breaker.end_pauses(which.target, which.user);
}

void Pool::check(const TrunkSelection& which, std::function<void(TargetCheck)> done) {
  const std::uint64_t id = ++last_check_;
  Check& check = checks_[id];
  check.done = std::move(done);
  for (LoginPause& pause : parts_.breaker.pauses())
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
  check.deadline = parts_.clock.after(time, [this, id] { finish_check(id); });
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
