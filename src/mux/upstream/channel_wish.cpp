#include "mux/upstream/channel_wish.hpp"

#include <utility>

#include "mux/protocol/shown_text.hpp"
#include "mux/upstream/pool_parts.hpp"
#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {

TrunkUse use_of(const OpenRequest& request) {
  const auto kind = request.type == kSessionType ? TrunkUse::Kind::session : TrunkUse::Kind::forward;
  return {kind, request.beside, request.afresh};
}

ChannelWish::ChannelWish(PoolParts& parts, TrunkAccess access, OpenRequest request, ChannelWishEvents& events)
    : TrunkWaiter(parts, std::move(access), use_of(request), events), request_(std::move(request)), events_(events) {}

ChannelWish::~ChannelWish() {
  if (state() == State::taking) channel_->abandon();
}

void ChannelWish::begin() {
  place();
  begun_ = true;
}

std::optional<TrunkId> ChannelWish::asked_on() const {
  return state() == State::taking ? std::optional(trunk().id()) : std::nullopt;
}

void ChannelWish::take(PooledTrunk& trunk) {
  channel_ = &trunk.open(request_, *this);
  call_after(is_session() ? target().options.connect_timeout : kForwardingTimeout, [this] { not_answered(); });
  if (begun_) events_.tell(&ChannelWishEvents::on_asked, trunk.id());
}

void ChannelWish::not_answered() {
  channel_->abandon();
  trunk().suspect();
  const std::string told = "target " + target().name + " doesn't answer";
  // What a forwarding has begun at the target may still be going on there.
  is_session() ? try_elsewhere(Told(told)) : fail(wire::OpenFailureReason::connect_failed, Told(told));
}

void ChannelWish::on_open_confirmed() {
  trunk().note_confirmed();
  if (is_session()) {
    trunk().note_session();
    if (taken_before_) parts().learnt.sessions_in_life.learn(key().policy, *taken_before_);
  }
  const TrunkId on = trunk().id();
  enter(State::over);
  events_.end(&ChannelWishEvents::on_wish_granted, *channel_, on);
}

void ChannelWish::on_open_refused(wire::OpenFailureReason reason, std::string_view description) {
  // Servers give all kinds of reasons for a limit. Of other channels than sessions they say what became of the connection behind.
  if (is_session()) {
    const PooledTrunk::Refusal refusal = trunk().note_refused();
    if (refusal == PooledTrunk::Refusal::spent) taken_before_ = trunk().sessions_had();
    if (refusal != PooledTrunk::Refusal::real) return place();
  }
  fail(reason, Told("target " + target().name + " refused the channel: " + clean_line(description)));
}

void ChannelWish::on_open_lost(Told told) {
  if (is_session()) trunk().note_lost_at_open();
  try_elsewhere(told);
}

void ChannelWish::report_failure(wire::OpenFailureReason reason, Told told) {
  events_.end(&ChannelWishEvents::on_wish_failed, reason, told);
}

}  // namespace sallyport::mux
