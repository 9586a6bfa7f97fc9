#include "mux/upstream/pooled_trunk.hpp"

#include <algorithm>
#include <utility>

#include "route/resolved_target.hpp"

namespace sallyport::mux {
namespace {

/// A keepalive that is unanswered for this long makes a trunk suspect. Shorter, and a busy line would cost needless logins.
constexpr Duration kSilence = std::chrono::seconds(2);
/// A target that has shown nothing for this long after the login is past it anyway.
constexpr Duration kLoginOver = std::chrono::milliseconds(500);

}  // namespace

PooledTrunk::PooledTrunk(PoolParts& parts, TrunkGroup& group, TrunkIdentity identity)
    : parts_(parts),
      group_(&group),
      identity_(std::move(identity)),
      since_(parts.clock.now()),
      room_(options().channels_per_trunk, parts.learnt, key()),
      login_(std::make_unique<TrunkLogin>(parts, identity_, static_cast<TrunkLoginEvents&>(*this))) {}

PooledTrunk::~PooledTrunk() = default;

// --- its login ---------------------------------------------------------------------------------------------------

void PooledTrunk::begin() {
  if (login_->begin()) enter(Phase::connecting);
}

void PooledTrunk::enter(Phase phase) {
  const Phase from = std::exchange(phase_, phase);
  if (from != phase && parts_.journal.follows_steps())
    parts_.journal.tell(facts::TrunkStep{identity_.which(), to_string(from), to_string(phase)});
}

void PooledTrunk::on_login_turn() {
  if (phase_ == Phase::waiting) enter(Phase::connecting);  // it may be draining already
  since_ = parts_.clock.now();
}

void PooledTrunk::on_logged_in(LoggedIn login) {
  parts_.graveyard.bury(std::move(login_));
  tail_ = {std::move(login.turn), parts_.clock.after(kLoginOver, [this] { tail_.turn.reset(); })};
  hop_ = std::move(login.hop);
  if (hop_ != nullptr) hop_->report_loss_to(*this);
  answered_ = std::move(login.answered);
  trunk_ =
      std::make_unique<Trunk>(identity_.which(), std::move(login.transport), parts_.clock, parts_.graveyard,
                              KeepaliveSettings{options().keepalive_interval, options().keepalive_count}, parts_.limits.credit,
                              parts_.accounts.of_trunk(key().user), static_cast<TrunkEvents&>(*this), parts_.journal);
  parts_.journal.tell(facts::TrunkReady{identity_.which(), parts_.clock.now() - since_});
  parts_.breaker.note_success(key(), identity_.access.client.connection);
  try_question();
  if (phase_ == Phase::connecting) enter(Phase::ready);
  if (parts_.pool.is_draining()) drain("the bastion is draining");
  const PooledTrunk* const through = via() ? parts_.pool.pooled(*via()) : nullptr;
  if (through != nullptr && through->is_draining()) drain("the trunk that it goes through drains");
  if (options().max_age > Duration::zero())
    age_ = parts_.clock.after(options().max_age, [this] { drain("it has reached max_age"); });
  room_.look_at_learnt();
  waiting_.tell_all([this](TrunkWaiter& waiter) {
    has_room_for(waiter.use()) && serves(waiter.client()) ? waiter.go_on_with(*this) : waiter.place();
  });
  leave_when_unused();
}

void PooledTrunk::on_login_failed(const UpstreamFailure& why) {
  const bool was_ended = phase_ == Phase::closing;
  enter(Phase::closing);
  parts_.journal.tell(facts::TrunkFailed{identity_.which(), why.detail});
  if (LoginBreaker::counts(why.code)) {
    const Duration pause = parts_.breaker.note_failure(key(), identity_.access.client, target().name, why);
    parts_.journal.tell(facts::LoginsPaused{identity_.which(), pause});
  }
  if (!was_ended) group_->note_loss();
  group_->tend_soon();
  const std::string told = why.told;
  leave_pool();
  waiting_.tell_all([&told](TrunkWaiter& waiter) { waiter.fail(wire::OpenFailureReason::connect_failed, Told(told)); });
}

std::optional<TrunkId> PooledTrunk::via() const {
  if (login_ != nullptr) return login_->via();
  return hop_ != nullptr ? hop_->trunk() : std::nullopt;
}

void PooledTrunk::on_hop_lost(Told told) {
  if (phase_ == Phase::closing) return;
  hop_lost_ = told.text();
  trunk_->set_loss_told("the connection to target " + target().name + " was lost with that to target " + target().via->name);
}

void PooledTrunk::part() {
  if (login_ != nullptr) login_->part();
  if (hop_ != nullptr) hop_->part();
}

// --- who uses it -------------------------------------------------------------------------------------------------

std::size_t PooledTrunk::used() const { return waiting_.size() + (trunk_ ? trunk_->open_channels() : 0); }

std::size_t PooledTrunk::in_use() const { return waiting_.size() + (trunk_ ? trunk_->channels_in_use() : 0); }

SessionRoom::Load PooledTrunk::load() const {
  const auto is_session = [](const TrunkWaiter& waiter) { return waiter.use().kind == TrunkUse::Kind::session; };
  return {used(), waiting_.count(is_session) + (trunk_ ? trunk_->sessions() : 0),
          trunk_ ? trunk_->confirmed_or_closing_sessions() : 0};
}

bool PooledTrunk::takes(const TrunkUse& use) const {
  return phase_ < Phase::draining && !ending() && !is_silent() && has_room_for(use);
}

bool PooledTrunk::serves(const std::optional<ConnectionId>& client) const {
  return login_ != nullptr ? login_->serves(client) : answered_.serve(client, parts_.clock.now());
}

bool PooledTrunk::is_silent() const {
  if (trunk_ == nullptr) return false;
  return trunk_->unanswered_for() >= kSilence || (suspected_ && trunk_->heard() == *suspected_);
}

TrunkRow PooledTrunk::row() const {
  TrunkRow row;
  row.id = id();
  row.user = key().user;
  row.target = target().name;
  row.address = address_of(target());
  row.path = path_of(target());
  row.upstream_user = target().user;
  row.state = phase_;
  row.channels = used();
  row.channel_limit = room_.limit();
  row.since = since_;
  row.idle_since = idle_.since;
  if (trunk_) row.bytes = {trunk_->bytes_sent(), trunk_->bytes_received()};
  return row;
}

void PooledTrunk::stop_waiting(const TrunkWaiter& waiter) {
  waiting_.remove(waiter);
  if (login_ != nullptr) login_->forget(waiter);
}

void PooledTrunk::note_use() {
  was_used_ = true;
  group_->note_use();
}

void PooledTrunk::hold(TrunkHold& hold) {
  idle_ = {};
  holds_.push_back(&hold);
  note_use();
}

void PooledTrunk::let_go(TrunkHold& hold) {
  std::erase(holds_, &hold);
  leave_when_unused();
}

Channel& PooledTrunk::open(const OpenRequest& request, OpenEvents& outcome) {
  idle_ = {};
  return trunk_->open(request, outcome);
}

void PooledTrunk::note_confirmed() {
  if (tail_.turn != nullptr) {
    tail_.turn->note_settled();
    tail_ = {};
  }
  note_use();
}

// --- what its target takes ---------------------------------------------------------------------------------------

PooledTrunk::Refusal PooledTrunk::note_refused() {
  // Answers come in the order of opens: those still being opened were not there when the target refused.
  const std::size_t others = other_sessions();  // the refused one counts as closed
  const Refusal refusal = room_.note_refused(others);
  if (refusal == Refusal::full) parts_.journal.tell(facts::TrunkFull{identity_.which(), others});
  if (refusal == Refusal::spent) drain("the target takes no more sessions on it");
  return refusal;
}

void PooledTrunk::note_full(std::size_t sessions) {
  room_.note_full(sessions);
  parts_.journal.tell(facts::TrunkFull{identity_.which(), sessions});
}

void PooledTrunk::note_lost_at_open() {
  // As some old devices say that they take no more: what others have on it goes, too, so it is learnt at once.
  if (trunk_->left_by_peer()) room_.note_left();
}

void PooledTrunk::suspect() {
  suspected_ = trunk_->heard();
  parts_.journal.tell(facts::TrunkSilent{identity_.which()});
  // Some answer an open only when the session before has ended. Whoever answers everything else has a limit.
  const std::size_t others = trunk_->confirmed_sessions();
  if (others > 0) trunk_->probe([this, others](Duration) { note_full(others); });
}

void PooledTrunk::try_question() {
  const auto bears = parts_.learnt.bears_questions.of(key().policy);
  if (bears && !*bears) return trunk_->spare_questions();
  if (bears || options().keepalive_interval == Duration::zero()) return;
  questioned_ = trunk_->heard();
  trunk_->probe([this](Duration) {
    questioned_.reset();
    parts_.learnt.bears_questions.learn(key().policy, true);
  });
}

void PooledTrunk::on_slot_free(Trunk& trunk) {
  room_.note_free();
  if (room_.is_spent(trunk.confirmed_or_closing_sessions())) drain("it has had all the sessions that the target takes on it");
  leave_when_unused();
}

void PooledTrunk::on_host_keys(Trunk& trunk, ByteView fields) {
  if (lesson_ != nullptr) return;
  auto learner = parts_.connector.learn_host_keys(target(), trunk.session_id());
  if (learner == nullptr) return;
  lesson_ = std::make_unique<HostKeyLesson>(trunk, std::move(learner));
  lesson_->begin(fields);
}

// --- its end -----------------------------------------------------------------------------------------------------

void PooledTrunk::leave_when_unused() {
  if (trunk_ == nullptr || in_use() > 0 || !holds_.empty() || ending()) return;
  if (phase_ == Phase::draining) return end("drained");
  idle_.since = parts_.clock.now();
  look_at_idle_time();
}

void PooledTrunk::look_at_idle_time() {
  if (!idle_.since || phase_ != Phase::ready) return;
  const Duration left = group_->kept_until(*idle_.since, options()) - parts_.clock.now();
  idle_.over = parts_.clock.after(std::max(left, Duration::zero()), [this] { idle_time_over(); });
}

void PooledTrunk::idle_time_over() {
  // A spare one stays; when the last client goes, the time is looked at again.
  if (!group_->keeps(*this)) end("idle");
}

void PooledTrunk::drain(std::string_view why) {
  if (phase_ >= Phase::draining) return;
  enter(Phase::draining);
  age_.reset();
  idle_.over.reset();
  parts_.journal.tell(facts::TrunkDraining{identity_.which(), why});
  parts_.pool.drain_riders(id());
  group_->tend_soon();
  leave_when_unused();
}

void PooledTrunk::end(std::string_view why) {
  if (phase_ == Phase::closing) return;  // goodbye has been said, or it went with the one that it was to go through
  enter(Phase::closing);
  if (trunk_ != nullptr) return trunk_->say_goodbye(why);
  login_->give_up();
  on_login_failed(
      {Errc::closed, "the connection to target " + target().name + " was given up: " + std::string(why), std::string(why)});
}

void PooledTrunk::leave_pool() {
  idle_.over.reset();  // what is due now would find it without a group
  age_.reset();
  parts_.pool.remove(*this);
  group_ = nullptr;
}

void PooledTrunk::on_trunk_closed(Trunk&, const Error& why) {
  const bool was_ended = phase_ == Phase::closing;
  enter(Phase::closing);
  parts_.journal.tell(facts::TrunkClosed{identity_.which(), hop_lost_.empty() ? why : Error{Errc::io, hop_lost_}});
  tail_ = {};
  if (questioned_ && trunk_->left_by_peer() && trunk_->heard() == *questioned_) {
    parts_.learnt.bears_questions.learn(key().policy, false);
    parts_.journal.tell(facts::TrunkUnquestioned{identity_.which()});
  }
  if (!was_ended && !was_used_) group_->note_loss();
  group_->tend_soon();
  leave_pool();
  while (!holds_.empty()) {
    TrunkHold& hold = *holds_.back();
    holds_.pop_back();
    hold.on_trunk_lost(trunk_->loss_told());
  }
}

}  // namespace sallyport::mux
