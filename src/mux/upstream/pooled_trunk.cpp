#include "mux/upstream/pooled_trunk.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {
namespace {

/// A keepalive that is unanswered for this long makes a trunk suspect. Shorter, and a busy line would cost needless logins.
constexpr Duration kSilence = std::chrono::seconds(2);
/// sshd's MaxSessions counts sessions alone. A forwarded connection costs a target a socket where a session costs it
/// processes, and a browser opens dozens of them at once: a login for every ten would cost more than they do.
constexpr std::size_t kForwardsForASession = 10;
/// A target that has shown nothing for this long after the login is past it anyway.
constexpr Duration kLoginOver = std::chrono::milliseconds(500);

/// Host and port as people write them; what is paced together.
std::string address_of(const ResolvedTarget& target) {
  const bool literal_v6 = target.host.find(':') != std::string::npos;
  return (literal_v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

}  // namespace

PooledTrunk::PooledTrunk(PoolParts& parts, TrunkGroup& group, TrunkId id, TrunkAccess access, const ResolvedTarget& target)
    : parts_(parts),
      group_(&group),
      id_(id),
      access_(std::move(access)),
      target_(target),
      since_(parts.clock.now()),
      channel_limit_(std::max<std::size_t>(target.options.channels_per_trunk, 1)),
      session_limit_(parts.learnt.sessions_at_a_time.of(key_.policy)) {}

PooledTrunk::~PooledTrunk() = default;

void PooledTrunk::begin() {
  turn_ = parts_.logins.ask(address_of(target_) + " " + path_of(target_), key_.user, [this] { on_turn(); });
  if (turn_->has_come()) return log_in();
  parts_.journal.trunk_waiting(id_, key_.user, target_.name);
  turn_deadline_ = parts_.clock.after(target_.options.connect_timeout, [this] {
    fail({Errc::limit, "target " + target_.name + " can't be reached: too many logins there at the same time",
          "no turn to log in within connect_timeout"});
  });
}

void PooledTrunk::on_turn() {
  turn_deadline_.reset();
  const auto pause =
      parts_.breaker.pause_of(key_, access_.client.connection);  // others of this key may have been refused meanwhile
  if (!pause) return log_in();
  fail({Errc::limit, pause->told + "; next attempt in " + in_seconds(pause->left), pause->told});
}

void PooledTrunk::log_in() {
  if (phase_ == Phase::waiting) phase_ = Phase::connecting;  // it may be draining already
  since_ = parts_.clock.now();
  connected_by_ = since_ + target_.options.connect_timeout;
  parts_.journal.trunk_connecting(id_, key_.user, target_.name);
  if (!target_.via) {
    attempt_ = parts_.connector.connect(target_, access_.client, *this);
    return;
  }
  limit_hop();
  hop_ = std::make_unique<Hop>(parts_, access_, target_, static_cast<HopEvents&>(*this));
}

void PooledTrunk::limit_hop() {
  hop_deadline_ = parts_.clock.after(connected_by_ + kLoginTime - parts_.clock.now(),
                                     [this] { on_hop_failed("via " + target_.via->name + ": no connection in time"); });
}

void PooledTrunk::on_agent_wanted(UpstreamAnswers& to) {
  asker_ = &to;
  if (opener_ == nullptr) return to.refuse_agent("the client that it was for has gone");
  opener_->helper().on_agent_wanted(*opener_);
}

void PooledTrunk::on_question(UpstreamAnswers& to, const UpstreamQuestion& question) {
  // Where there is nothing to answer, nobody need be there to do so.
  if (opener_ == nullptr && question.prompts.empty()) return to.answer({});
  asker_ = &to;
  if (opener_ == nullptr) return to.refuse_answer("it asks a question, and the client that it was for has gone");
  // Whoever thinks about the answer doesn't keep others from logging in there.
  turn_.reset();
  answer_until_ = parts_.clock.now() + kAnswerTime;
  connected_by_ = answer_until_ + target_.options.connect_timeout;
  if (!question.prompts.empty()) {
    asked_ = true;
    asked_client_ = opener_->client();
  }
  if (hop_deadline_ != nullptr) limit_hop();
  opener_->helper().on_question(*opener_, question);
}

void PooledTrunk::on_hop_ready() {
  hop_deadline_.reset();
  asker_ = nullptr;
  // connect_timeout is for the whole way, but for a login on it that took its time, or asked a person.
  ResolvedTarget target = target_;
  const Duration left = connected_by_ - parts_.clock.now();
  if (left > Duration::zero()) target.options.connect_timeout = std::min(left, target_.options.connect_timeout);
  attempt_ = hop_->connect(target, access_.client, *this);
}

void PooledTrunk::on_hop_failed(const std::string& told) {
  if (phase_ == Phase::closing) return;
  fail({Errc::unavailable, "target " + target_.name + " can't be reached: " + told, told});
}

void PooledTrunk::on_hop_lost(std::string_view told) {
  if (phase_ == Phase::closing) return;
  const std::string& via = target_.via->name;
  if (trunk_ == nullptr) return on_hop_failed("via " + via + ": " + std::string(told));
  hop_lost_ = "via " + via + ": " + std::string(told);
  trunk_->set_loss_told("the connection to target " + target_.name + " was lost with that to target " + via);
}

std::size_t PooledTrunk::used() const { return waiting_.size() + (trunk_ ? trunk_->open_channels() : 0); }

std::size_t PooledTrunk::in_use() const { return waiting_.size() + (trunk_ ? trunk_->channels_in_use() : 0); }

std::size_t PooledTrunk::sessions() const {
  const auto is_session = [](const TrunkWaiter& waiter) { return waiter.use().kind == TrunkUse::Kind::session; };
  return waiting_.count(is_session) + (trunk_ ? trunk_->sessions() : 0);
}

bool PooledTrunk::has_room_for(const TrunkUse& use) const {
  if (use.kind == TrunkUse::Kind::hold) return true;  // it takes none
  if (use.kind == TrunkUse::Kind::forward) return used() < channel_limit_ * kForwardsForASession;
  if (use.afresh && had_ + sessions() > 0) return false;
  const auto in_life = parts_.learnt.sessions_in_life.of(key_.policy);
  if (in_life && sessions_ended() + sessions() >= *in_life) return false;
  // What it has not learnt itself, a sibling may have.
  const auto at_a_time = session_limit_ ? session_limit_ : parts_.learnt.sessions_at_a_time.of(key_.policy);
  return sessions() < std::min(channel_limit_, at_a_time.value_or(channel_limit_));
}

std::size_t PooledTrunk::sessions_ended() const {
  return had_ - (trunk_ ? std::min(trunk_->confirmed_or_closing_sessions(), had_) : 0);
}

bool PooledTrunk::takes(const TrunkUse& use) const {
  return phase_ < Phase::draining && !ending() && !is_silent() && has_room_for(use);
}

bool PooledTrunk::serves(const std::optional<ConnectionId>& client) const {
  const auto answered_itself = [&client](const std::optional<ConnectionId>& by) { return client && by == client; };
  if (is_coming() && asked_ && target_.options.reuse_after_mfa == Duration::zero()) return answered_itself(asked_client_);
  return std::all_of(answered_.begin(), answered_.end(),
                     [&](const Answered& login) { return answered_itself(login.by) || parts_.clock.now() < login.until; });
}

void PooledTrunk::note_answers() {
  if (asked_ && target_.options.reuse_after_mfa)
    answered_.push_back({asked_client_, parts_.clock.now() + *target_.options.reuse_after_mfa});
  const PooledTrunk* const through = via() ? parts_.pool.pooled(*via()) : nullptr;
  if (through != nullptr) answered_.insert(answered_.end(), through->answered_.begin(), through->answered_.end());
}

bool PooledTrunk::is_silent() const {
  if (trunk_ == nullptr) return false;
  return trunk_->unanswered_for() >= kSilence || (suspected_ && trunk_->heard() == *suspected_);
}

TrunkRow PooledTrunk::row() const {
  TrunkRow row;
  row.id = id_;
  row.user = key_.user;
  row.target = target_.name;
  row.address = address_of(target_);
  row.path = path_of(target_);
  row.upstream_user = target_.user;
  row.state = phase_;
  row.channels = used();
  row.channel_limit = std::min(channel_limit_, session_limit_.value_or(channel_limit_));
  row.since = since_;
  row.idle_since = idle_since_;
  if (trunk_) row.bytes = {trunk_->bytes_sent(), trunk_->bytes_received()};
  return row;
}

void PooledTrunk::stop_waiting(TrunkWaiter& waiter) {
  waiting_.remove(waiter);
  if (&waiter != opener_) return;
  opener_ = nullptr;
  if (asker_ == nullptr) return;
  asker_->refuse_agent("the client has gone");
  asker_->refuse_answer("the question that it asks was not answered");
}

void PooledTrunk::hold(TrunkHold& hold) {
  idle_.reset();
  idle_since_.reset();
  holds_.push_back(&hold);
  was_used_ = true;
  group_->note_use();
}

void PooledTrunk::let_go(TrunkHold& hold) {
  std::erase(holds_, &hold);
  leave_when_unused();
}

Channel& PooledTrunk::open(const OpenRequest& request, OpenEvents& outcome) {
  idle_.reset();
  idle_since_.reset();
  return trunk_->open(request, outcome);
}

void PooledTrunk::note_confirmed() {
  if (turn_ != nullptr) {
    turn_->note_settled();
    turn_.reset();
    turn_deadline_.reset();
  }
  was_used_ = true;
  group_->note_use();
}

void PooledTrunk::note_session() {
  ++had_;
  peak_ = std::max(peak_, trunk_->confirmed_sessions());
  parts_.learnt.sessions_at_a_time.disprove(key_.policy, peak_);
  parts_.learnt.sessions_in_life.disprove(key_.policy, had_);
}

PooledTrunk::Refusal PooledTrunk::note_refused() {
  // Answers come in the order of opens: those still being opened were not there when the target refused.
  const std::size_t others = other_sessions();  // the refused one counts as closed
  if (others > 0) {
    note_full(others);
    return Refusal::full;
  }
  if (had_ > 0) {
    drain("the target takes no more sessions on it");
    return Refusal::spent;
  }
  // A fresh one takes none either, so it was no limit that made the others refuse.
  parts_.learnt.sessions_at_a_time.forget(key_.policy);
  return Refusal::real;
}

void PooledTrunk::note_full(std::size_t sessions) {
  session_limit_ = sessions;
  parts_.learnt.sessions_at_a_time.learn(key_.policy, std::max(sessions, peak_));
  parts_.journal.trunk_full(id_, sessions);
}

void PooledTrunk::note_lost_at_open() {
  // As some old devices say that they take no more: what others have on it goes, too, so it is learnt at once.
  if (had_ > 0 && trunk_->left_by_peer()) parts_.learnt.sessions_in_life.learn(key_.policy, had_);
}

void PooledTrunk::suspect() {
  suspected_ = trunk_->heard();
  parts_.journal.trunk_silent(id_);
  // Some answer an open only when the session before has ended. Whoever answers everything else has a limit.
  const std::size_t others = trunk_->confirmed_sessions();
  if (others > 0) trunk_->probe([this, others](Duration) { note_full(others); });
}

void PooledTrunk::on_connected(std::unique_ptr<Transport> transport) {
  if (attempt_ == nullptr) return parts_.graveyard.bury(std::move(transport));  // its outcome is known
  turn_deadline_ = parts_.clock.after(kLoginOver, [this] { turn_.reset(); });
  forget_helper();
  parts_.graveyard.bury(std::move(attempt_));
  trunk_ = std::make_unique<Trunk>(id_, target_.name, std::move(transport), parts_.clock, parts_.graveyard,
                                   KeepaliveSettings{target_.options.keepalive_interval, target_.options.keepalive_count},
                                   parts_.limits.credit, parts_.accounts.of_trunk(key_.user), static_cast<TrunkEvents&>(*this),
                                   parts_.journal);
  parts_.journal.trunk_ready(id_, parts_.clock.now() - since_);
  parts_.breaker.note_success(key_, access_.client.connection);
  note_answers();
  try_question();
  if (phase_ == Phase::connecting) phase_ = Phase::ready;
  if (parts_.pool.is_draining()) drain("the bastion is draining");
  if (const PooledTrunk* const through = via() ? parts_.pool.pooled(*via()) : nullptr;
      through != nullptr && through->is_draining())
    drain("the trunk that it goes through drains");
  if (target_.options.max_age > Duration::zero())
    age_ = parts_.clock.after(target_.options.max_age, [this] { drain("it has reached max_age"); });
  session_limit_ = parts_.learnt.sessions_at_a_time.of(key_.policy);  // a sibling may have learnt it meanwhile
  waiting_.tell_all([this](TrunkWaiter& waiter) {
    has_room_for(waiter.use()) && serves(waiter.client()) ? waiter.go_on_with(*this) : waiter.place();
  });
  leave_when_unused();
}

void PooledTrunk::try_question() {
  const auto bears = parts_.learnt.bears_questions.of(key_.policy);
  if (bears && !*bears) return trunk_->spare_questions();
  if (bears || target_.options.keepalive_interval == Duration::zero()) return;
  questioned_ = trunk_->heard();
  trunk_->probe([this](Duration) {
    questioned_.reset();
    parts_.learnt.bears_questions.learn(key_.policy, true);
  });
}

void PooledTrunk::on_connect_failed(const UpstreamFailure& why) {
  if (attempt_ != nullptr) fail(why);  // else its outcome is known
}

void PooledTrunk::leave_pool() {
  idle_.reset();  // what is due now would find it without a group
  age_.reset();
  parts_.pool.remove(*this);
  group_ = nullptr;
}

void PooledTrunk::fail(const UpstreamFailure& why) {
  if (group_ == nullptr) return;
  const bool never_there = why.code == Errc::refused || why.code == Errc::not_found;
  if (turn_ != nullptr && never_there) turn_->note_settled();
  turn_.reset();
  turn_deadline_.reset();
  hop_deadline_.reset();
  forget_helper();
  parts_.graveyard.bury(std::move(attempt_));
  parts_.journal.trunk_failed(id_, why.detail);
  if (LoginBreaker::counts(why.code)) {
    const Duration pause = parts_.breaker.note_failure(key_, access_.client, target_.name, why);
    parts_.journal.logins_paused(id_, key_.user, target_.name, pause);
  }
  if (phase_ != Phase::closing) group_->note_loss();
  group_->tend_soon();
  phase_ = Phase::closing;
  const std::string told = why.told;
  leave_pool();
  waiting_.tell_all([&told](TrunkWaiter& waiter) { waiter.fail(wire::OpenFailureReason::connect_failed, told); });
}

void PooledTrunk::on_slot_free(Trunk&) {
  // A refusal may have come from a session that the target had not wound up yet: what it once took, it takes again.
  if (session_limit_) session_limit_ = std::max(*session_limit_, peak_);
  const auto in_life = parts_.learnt.sessions_in_life.of(key_.policy);
  if (in_life && sessions_ended() >= *in_life) drain("it has had all the sessions that the target takes on it");
  leave_when_unused();
}

void PooledTrunk::on_host_keys(Trunk& trunk, ByteView fields) {
  if (lesson_ != nullptr) return;
  auto learner = parts_.connector.learn_host_keys(target_, trunk.session_id());
  if (learner == nullptr) return;
  lesson_ = std::make_unique<HostKeyLesson>(trunk, std::move(learner));
  lesson_->begin(fields);
}

void PooledTrunk::leave_when_unused() {
  if (trunk_ == nullptr || in_use() > 0 || !holds_.empty() || ending()) return;
  if (phase_ == Phase::draining) return end("drained");
  idle_since_ = parts_.clock.now();
  look_at_idle_time();
}

void PooledTrunk::look_at_idle_time() {
  if (!idle_since_ || phase_ != Phase::ready) return;
  const Duration left = group_->kept_until(*idle_since_, target_.options) - parts_.clock.now();
  idle_ = parts_.clock.after(std::max(left, Duration::zero()), [this] { idle_time_over(); });
}

void PooledTrunk::idle_time_over() {
  // A spare one stays; when the last client goes, the time is looked at again.
  if (!group_->keeps(*this)) end("idle");
}

void PooledTrunk::drain(std::string_view why) {
  if (phase_ >= Phase::draining) return;
  phase_ = Phase::draining;
  age_.reset();
  idle_.reset();
  parts_.journal.trunk_draining(id_, why);
  parts_.pool.drain_riders(id_);
  group_->tend_soon();
  leave_when_unused();
}

void PooledTrunk::end(std::string_view why) {
  if (phase_ == Phase::closing) return;  // goodbye has been said, or it went with the one that it was to go through
  phase_ = Phase::closing;
  if (trunk_ != nullptr) return trunk_->say_goodbye(why);
  attempt_.reset();
  fail({Errc::closed, "the connection to target " + target_.name + " was given up: " + std::string(why), std::string(why)});
}

void PooledTrunk::on_trunk_closed(Trunk&, const Error& why) {
  parts_.journal.trunk_closed(id_, hop_lost_.empty() ? why : Error{Errc::io, hop_lost_});
  turn_.reset();
  turn_deadline_.reset();
  if (questioned_ && trunk_->left_by_peer() && trunk_->heard() == *questioned_) {
    parts_.learnt.bears_questions.learn(key_.policy, false);
    parts_.journal.trunk_unquestioned(id_);
  }
  if (phase_ != Phase::closing && !was_used_) group_->note_loss();
  group_->tend_soon();
  leave_pool();
  while (!holds_.empty()) {
    TrunkHold& hold = *holds_.back();
    holds_.pop_back();
    hold.on_trunk_lost(trunk_->loss_told());
  }
}

}  // namespace sallyport::mux
