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

PooledTrunk::PooledTrunk(Pool& pool, TrunkGroup& group, TrunkId id, TrunkAccess access, const ResolvedTarget& target)
    : pool_(pool),
      group_(&group),
      id_(id),
      access_(std::move(access)),
      target_(target),
      since_(pool.clock_.now()),
      channel_limit_(std::max<std::size_t>(target.options.channels_per_trunk, 1)),
      session_limit_(pool.session_limits_.of(key_.policy)) {}

PooledTrunk::~PooledTrunk() = default;

void PooledTrunk::begin() {
  turn_ = pool_.logins_.ask(address_of(target_) + " " + path_of(target_), key_.user, [this] { on_turn(); });
  if (turn_->has_come()) return log_in();
  pool_.journal_.trunk_waiting(id_, key_.user, target_.name);
  turn_deadline_ = pool_.clock_.after(target_.options.connect_timeout, [this] {
    fail({Errc::limit, "target " + target_.name + " can't be reached: too many logins there at the same time",
          "no turn to log in within connect_timeout"});
  });
}

void PooledTrunk::on_turn() {
  turn_deadline_.reset();
  const auto pause =
      pool_.breaker_.pause_of(key_, access_.client.connection);  // others of this key may have been refused meanwhile
  if (!pause) return log_in();
  fail({Errc::limit, pause->told + "; next attempt in " + in_seconds(pause->left), pause->told});
}

void PooledTrunk::log_in() {
  if (phase_ == Phase::waiting) phase_ = Phase::connecting;  // it may be draining already
  since_ = pool_.clock_.now();
  connected_by_ = since_ + target_.options.connect_timeout;
  pool_.journal_.trunk_connecting(id_, key_.user, target_.name);
  if (!target_.via) {
    attempt_ = pool_.connector_.connect(target_, access_.client, *this);
    return;
  }
  limit_hop();
  hop_ = std::make_unique<Hop>(pool_, access_, target_, static_cast<HopEvents&>(*this));
}

void PooledTrunk::limit_hop() {
  hop_deadline_ = pool_.clock_.after(connected_by_ + kLoginTime - pool_.clock_.now(),
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
  answer_until_ = pool_.clock_.now() + kAnswerTime;
  connected_by_ = answer_until_ + target_.options.connect_timeout;
  if (!question.prompts.empty()) {
    asked_ = true;
    asked_client_ = opener_->access_.client.connection;
  }
  if (hop_deadline_ != nullptr) limit_hop();
  opener_->helper().on_question(*opener_, question);
}

void PooledTrunk::on_hop_ready() {
  hop_deadline_.reset();
  asker_ = nullptr;
  // connect_timeout is for the whole way, but for a login on it that took its time, or asked a person.
  ResolvedTarget target = target_;
  const Duration left = connected_by_ - pool_.clock_.now();
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
  const auto waiting = std::count_if(waiting_.begin(), waiting_.end(), [](const Lease* lease) { return lease->is_session(); });
  return static_cast<std::size_t>(waiting) + (trunk_ ? trunk_->sessions() : 0);
}

bool PooledTrunk::has_room_for(const OpenRequest& request) const {
  if (request.type.empty()) return true;  // a hold takes none
  if (request.type != kSessionType) return used() < channel_limit_ * kForwardsForASession;
  if (request.afresh && had_ + sessions() > 0) return false;
  const auto in_life = pool_.lifetime_limits_.of(key_.policy);
  if (in_life && sessions_ended() + sessions() >= *in_life) return false;
  // What it has not learnt itself, a sibling may have.
  const auto at_a_time = session_limit_ ? session_limit_ : pool_.session_limits_.of(key_.policy);
  return sessions() < std::min(channel_limit_, at_a_time.value_or(channel_limit_));
}

std::size_t PooledTrunk::sessions_ended() const {
  return had_ - (trunk_ ? std::min(trunk_->confirmed_or_closing_sessions(), had_) : 0);
}

bool PooledTrunk::takes(const OpenRequest& request) const {
  return phase_ < Phase::draining && !ending() && !is_silent() && has_room_for(request);
}

bool PooledTrunk::serves(const std::optional<ConnectionId>& client) const {
  const auto answered_itself = [&client](const std::optional<ConnectionId>& by) { return client && by == client; };
  if (is_coming() && asked_ && target_.options.reuse_after_mfa == Duration::zero()) return answered_itself(asked_client_);
  return std::all_of(answered_.begin(), answered_.end(),
                     [&](const Answered& login) { return answered_itself(login.by) || pool_.clock_.now() < login.until; });
}

void PooledTrunk::note_answers() {
  if (asked_ && target_.options.reuse_after_mfa)
    answered_.push_back({asked_client_, pool_.clock_.now() + *target_.options.reuse_after_mfa});
  if (!carrier()) return;
  for (const PooledTrunk* trunk : pool_.all_trunks())
    if (trunk->id() == *carrier()) answered_.insert(answered_.end(), trunk->answered_.begin(), trunk->answered_.end());
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

void PooledTrunk::wait(Lease& lease) { waiting_.push_back(&lease); }

void PooledTrunk::stop_waiting(Lease& lease) {
  std::erase(waiting_, &lease);
  std::erase(being_told_, &lease);
  if (&lease != opener_) return;
  opener_ = nullptr;
  if (asker_ == nullptr) return;
  asker_->refuse_agent("the client has gone");
  asker_->refuse_answer("the question that it asks was not answered");
}

void PooledTrunk::hold(Lease& lease) {
  idle_.reset();
  idle_since_.reset();
  holders_.push_back(&lease);
  was_used_ = true;
  group_->note_use();
}

void PooledTrunk::let_go(Lease& lease) {
  std::erase(holders_, &lease);
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
  pool_.session_limits_.disprove(key_.policy, peak_);
  pool_.lifetime_limits_.disprove(key_.policy, had_);
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
  pool_.session_limits_.forget(key_.policy);
  return Refusal::real;
}

void PooledTrunk::note_full(std::size_t sessions) {
  session_limit_ = sessions;
  pool_.session_limits_.learn(key_.policy, std::max(sessions, peak_));
  pool_.journal_.trunk_full(id_, sessions);
}

void PooledTrunk::note_lost_at_open() {
  // As some old devices say that they take no more: what others have on it goes, too, so it is learnt at once.
  if (had_ > 0 && trunk_->left_by_peer()) pool_.lifetime_limits_.learn(key_.policy, had_);
}

void PooledTrunk::suspect() {
  suspected_ = trunk_->heard();
  pool_.journal_.trunk_silent(id_);
  // Some answer an open only when the session before has ended. Whoever answers everything else has a limit.
  const std::size_t others = trunk_->confirmed_sessions();
  if (others > 0) trunk_->probe([this, others](Duration) { note_full(others); });
}

void PooledTrunk::on_connected(std::unique_ptr<Transport> transport) {
  if (attempt_ == nullptr) return pool_.graveyard_.bury(std::move(transport));  // its outcome is known
  turn_deadline_ = pool_.clock_.after(kLoginOver, [this] { turn_.reset(); });
  forget_helper();
  pool_.graveyard_.bury(std::move(attempt_));
  trunk_ = std::make_unique<Trunk>(id_, target_.name, std::move(transport), pool_.clock_, pool_.graveyard_,
                                   KeepaliveSettings{target_.options.keepalive_interval, target_.options.keepalive_count},
                                   pool_.limits_.credit, pool_.accounts_.of_trunk(key_.user), static_cast<TrunkEvents&>(*this),
                                   pool_.journal_);
  pool_.journal_.trunk_ready(id_, pool_.clock_.now() - since_);
  pool_.breaker_.note_success(key_, access_.client.connection);
  note_answers();
  try_question();
  if (phase_ == Phase::connecting) phase_ = Phase::ready;
  if (pool_.draining_) drain("the bastion is draining");
  if (hop_ != nullptr && pool_.drains(*hop_->trunk())) drain("the trunk that it goes through drains");
  if (target_.options.max_age > Duration::zero())
    age_ = pool_.clock_.after(target_.options.max_age, [this] { drain("it has reached max_age"); });
  session_limit_ = pool_.session_limits_.of(key_.policy);  // a sibling may have learnt it meanwhile
  tell_waiting([this](Lease& lease) {
    has_room_for(lease.request_) && serves(lease.client()) ? lease.go_on_with(*this) : pool_.place(lease);
  });
  leave_when_unused();
}

void PooledTrunk::try_question() {
  const auto bears = pool_.bears_questions_.of(key_.policy);
  if (bears && !*bears) return trunk_->spare_questions();
  if (bears || target_.options.keepalive_interval == Duration::zero()) return;
  questioned_ = trunk_->heard();
  trunk_->probe([this](Duration) {
    questioned_.reset();
    pool_.bears_questions_.learn(key_.policy, true);
  });
}

void PooledTrunk::on_connect_failed(const UpstreamFailure& why) {
  if (attempt_ != nullptr) fail(why);  // else its outcome is known
}

void PooledTrunk::leave_pool() {
  idle_.reset();  // what is due now would find it without a group
  age_.reset();
  pool_.remove(*this);
  group_ = nullptr;
}

template <typename Tell>
void PooledTrunk::tell_waiting(Tell tell) {
  being_told_.assign(waiting_.rbegin(), waiting_.rend());
  waiting_.clear();
  while (!being_told_.empty()) {
    Lease& lease = *being_told_.back();
    being_told_.pop_back();
    tell(lease);
  }
}

void PooledTrunk::fail(const UpstreamFailure& why) {
  if (group_ == nullptr) return;
  const bool never_there = why.code == Errc::refused || why.code == Errc::not_found;
  if (turn_ != nullptr && never_there) turn_->note_settled();
  turn_.reset();
  turn_deadline_.reset();
  hop_deadline_.reset();
  forget_helper();
  pool_.graveyard_.bury(std::move(attempt_));
  pool_.journal_.trunk_failed(id_, why.detail);
  if (LoginBreaker::counts(why.code)) {
    const Duration pause = pool_.breaker_.note_failure(key_, access_.client, target_.name, why);
    pool_.journal_.logins_paused(id_, key_.user, target_.name, pause);
  }
  if (phase_ != Phase::closing) group_->note_loss();
  group_->tend_soon();
  phase_ = Phase::closing;
  const std::string told = why.told;
  leave_pool();
  tell_waiting([&told](Lease& lease) { lease.fail(wire::OpenFailureReason::connect_failed, told); });
}

void PooledTrunk::on_slot_free(Trunk&) {
  // A refusal may have come from a session that the target had not wound up yet: what it once took, it takes again.
  if (session_limit_) session_limit_ = std::max(*session_limit_, peak_);
  const auto in_life = pool_.lifetime_limits_.of(key_.policy);
  if (in_life && sessions_ended() >= *in_life) drain("it has had all the sessions that the target takes on it");
  leave_when_unused();
}

void PooledTrunk::on_host_keys(Trunk& trunk, ByteView fields) {
  if (lesson_ != nullptr) return;
  auto learner = pool_.connector_.learn_host_keys(target_, trunk.session_id());
  if (learner == nullptr) return;
  lesson_ = std::make_unique<HostKeyLesson>(trunk, std::move(learner));
  lesson_->begin(fields);
}

void PooledTrunk::leave_when_unused() {
  if (trunk_ == nullptr || in_use() > 0 || !holders_.empty() || ending()) return;
  if (phase_ == Phase::draining) return end("drained");
  idle_since_ = pool_.clock_.now();
  look_at_idle_time();
}

void PooledTrunk::look_at_idle_time() {
  if (!idle_since_ || phase_ != Phase::ready) return;
  const Duration left = group_->kept_until(*idle_since_, target_.options) - pool_.clock_.now();
  idle_ = pool_.clock_.after(std::max(left, Duration::zero()), [this] { idle_time_over(); });
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
  pool_.journal_.trunk_draining(id_, why);
  pool_.drain_riders(id_);
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
  pool_.journal_.trunk_closed(id_, hop_lost_.empty() ? why : Error{Errc::io, hop_lost_});
  turn_.reset();
  turn_deadline_.reset();
  if (questioned_ && trunk_->left_by_peer() && trunk_->heard() == *questioned_) {
    pool_.bears_questions_.learn(key_.policy, false);
    pool_.journal_.trunk_unquestioned(id_);
  }
  if (phase_ != Phase::closing && !was_used_) group_->note_loss();
  group_->tend_soon();
  leave_pool();
  while (!holders_.empty()) {
    Lease& lease = *holders_.back();
    holders_.pop_back();
    lease.on_trunk_lost(trunk_->loss_told());
  }
}

}  // namespace sallyport::mux
