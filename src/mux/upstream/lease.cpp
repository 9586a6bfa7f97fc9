#include "mux/upstream/lease.hpp"

#include <utility>

#include "mux/protocol/shown_text.hpp"
#include "mux/upstream/pool.hpp"
#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {
namespace {

/// A lease whose trunk goes before the open was answered is tried again on another that many times.
constexpr std::uint32_t kMaximumLosses = 2;

}  // namespace

Lease::Lease(Pool& pool, TrunkAccess access, ResolvedTarget target, OpenRequest request, LeaseEvents& events)
    : pool_(pool),
      access_(std::move(access)),
      target_(std::move(target)),
      request_(std::move(request)),
      events_(events),
      helper_(events),
      wait_until_(pool.clock_.now() + longest_wait()) {}

Lease::Lease(Pool& pool, TrunkAccess access, ResolvedTarget target, std::optional<TrunkId> beside, HoldEvents& holder)
    : pool_(pool),
      access_(std::move(access)),
      target_(std::move(target)),
      request_{.type = {}, .granted = 0, .rest = {}, .beside = beside},
      holder_(holder),
      helper_(holder),
      wait_until_(pool.clock_.now() + longest_wait()) {}

Lease::~Lease() {
  if (channel_ != nullptr) {
    channel_->abandon();
  } else if (held_) {
    trunk_->let_go(*this);
  } else if (trunk_ != nullptr) {
    trunk_->stop_waiting(*this);
  }
}

void Lease::wait_on(PooledTrunk& trunk) {
  trunk_ = &trunk;
  trunk.wait(*this);
  timer_ = pool_.clock_.after(wait_until_ - pool_.clock_.now(), [this] { waited_too_long(); });
}

UpstreamAnswers* Lease::login() const { return trunk_ == nullptr ? nullptr : trunk_->login_that_asked(*this); }

std::unique_ptr<Stream> Lease::lend_agent(StreamEvents& events) {
  UpstreamAnswers* const asker = login();
  return asker == nullptr ? nullptr : asker->lend_agent(events);
}

void Lease::refuse_agent(std::string why) {
  if (UpstreamAnswers* const asker = login()) asker->refuse_agent(std::move(why));
}

void Lease::answer(std::vector<SecretString> answers) {
  if (UpstreamAnswers* const asker = login()) asker->answer(std::move(answers));
}

void Lease::refuse_answer(std::string told) {
  if (UpstreamAnswers* const asker = login()) asker->refuse_answer(std::move(told));
}

void Lease::waited_too_long() {
  if (trunk_->awaits_answer()) {  // a person is slower than any target; the login itself has a limit for that
    wait_until_ = pool_.clock_.now() + target_.options.connect_timeout + kLoginTime;
    timer_ = pool_.clock_.after(wait_until_ - pool_.clock_.now(), [this] { waited_too_long(); });
    return;
  }
  trunk_->stop_waiting(*this);
  fail(wire::OpenFailureReason::connect_failed, "target " + target_.name + " can't be reached: no connection in time");
}

void Lease::open_on(PooledTrunk& trunk) {
  trunk_ = &trunk;
  channel_ = &trunk.open(request_, *this);
  timer_ = pool_.clock_.after(is_session() ? target_.options.connect_timeout : kForwardingTimeout, [this] { not_answered(); });
  if (placed_) events_.tell(&LeaseEvents::on_asked, trunk.id());
}

std::optional<TrunkId> Lease::asked_on() const { return channel_ == nullptr ? std::nullopt : std::optional(trunk_->id()); }

void Lease::hold(PooledTrunk& trunk) {
  trunk_ = &trunk;
  held_ = true;
  trunk.hold(*this);
  timer_ = pool_.clock_.after(Duration::zero(), [this] { report_held(); });
}

void Lease::report_held() {
  timer_.reset();
  holder_.tell(&HoldEvents::on_held, *trunk_->trunk());
}

void Lease::on_trunk_lost(std::string_view told) {
  held_ = false;
  if (timer_ != nullptr) return try_elsewhere(told);  // nobody knows of the hold yet
  trunk_ = nullptr;
  holder_.end(&HoldEvents::on_hold_lost, told);
}

void Lease::not_answered() {
  std::exchange(channel_, nullptr)->abandon();
  trunk_->suspect();
  const std::string told = "target " + target_.name + " doesn't answer";
  // What a forwarding has begun at the target may still be going on there.
  is_session() ? try_elsewhere(told) : fail(wire::OpenFailureReason::connect_failed, told);
}

void Lease::on_open_confirmed() {
  timer_.reset();
  trunk_->note_confirmed();
  if (is_session()) {
    trunk_->note_session();
    if (taken_before_) pool_.lifetime_limits_.learn(key().policy, *taken_before_);
  }
  Channel& channel = *std::exchange(channel_, nullptr);
  const TrunkId trunk = std::exchange(trunk_, nullptr)->id();
  events_.end(&LeaseEvents::on_leased, channel, trunk);
}

void Lease::on_open_refused(wire::OpenFailureReason reason, std::string_view description) {
  channel_ = nullptr;
  timer_.reset();
  PooledTrunk& trunk = *std::exchange(trunk_, nullptr);
  // Servers give all kinds of reasons for a limit. Of other channels than sessions they say what became of the connection behind.
  if (is_session()) {
    const PooledTrunk::Refusal refusal = trunk.note_refused();
    if (refusal == PooledTrunk::Refusal::spent) taken_before_ = trunk.sessions_had();
    if (refusal != PooledTrunk::Refusal::real) return pool_.place(*this);
  }
  fail(reason, "target " + target_.name + " refused the channel: " + clean_line(description));
}

void Lease::on_open_lost(std::string_view told) {
  channel_ = nullptr;
  if (is_session()) trunk_->note_lost_at_open();
  try_elsewhere(told);
}

void Lease::try_elsewhere(std::string_view told) {
  trunk_ = nullptr;
  timer_.reset();
  // Nothing has been started yet, so it is safe to try again: the connection may have been dead for long.
  if (++losses_ > kMaximumLosses) return fail(wire::OpenFailureReason::connect_failed, std::string(told));
  wait_until_ = pool_.clock_.now() + longest_wait();
  pool_.place(*this);
}

void Lease::fail(wire::OpenFailureReason reason, std::string told) {
  channel_ = nullptr;
  trunk_ = nullptr;
  timer_.reset();
  is_hold() ? holder_.end(&HoldEvents::on_hold_failed, told) : events_.end(&LeaseEvents::on_lease_failed, reason, told);
}

void Lease::fail_later(wire::OpenFailureReason reason, std::string told) {
  timer_ = pool_.clock_.after(Duration::zero(), [this, reason, told = std::move(told)] { fail(reason, told); });
}

}  // namespace sallyport::mux
