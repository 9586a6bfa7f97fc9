#include "mux/upstream/trunk_hold.hpp"

#include <utility>

#include "mux/upstream/pooled_trunk.hpp"

namespace sallyport::mux {

TrunkHold::TrunkHold(PoolParts& parts, TrunkAccess access, std::optional<TrunkId> beside, TrunkHoldEvents& events)
    : TrunkWaiter(parts, std::move(access), {TrunkUse::Kind::hold, beside}, events), events_(events) {}

TrunkHold::~TrunkHold() {
  if (state() == State::taking || state() == State::held) trunk().let_go(*this);
}

void TrunkHold::take(PooledTrunk& trunk) {
  trunk.hold(*this);
  call_after(Duration::zero(), [this] { report_held(); });
}

void TrunkHold::report_held() {
  enter(State::held);
  events_.tell(&TrunkHoldEvents::on_held, *trunk().trunk());
}

void TrunkHold::on_trunk_lost(Told told) {
  if (state() == State::taking) return try_elsewhere(told);  // nobody knows of the hold yet
  enter(State::over);
  events_.end(&TrunkHoldEvents::on_hold_lost, told);
}

void TrunkHold::report_failure(wire::OpenFailureReason, Told told) { events_.end(&TrunkHoldEvents::on_hold_failed, told); }

}  // namespace sallyport::mux
