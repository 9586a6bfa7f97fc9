#include "mux/targets/session_room.hpp"

#include <algorithm>

namespace sallyport::mux {

SessionRoom::SessionRoom(std::size_t channels, LearntOfTargets& learnt, const ShareKey& key)
    : channel_limit_(std::max<std::size_t>(channels, 1)), learnt_(learnt), key_(key) {
  look_at_learnt();
}

void SessionRoom::look_at_learnt() { session_limit_ = learnt_.sessions_at_a_time.of(key_.policy); }

bool SessionRoom::has_room_for(const TrunkUse& use, const Load& load) const {
  if (use.kind == TrunkUse::Kind::hold) return true;  // it takes none
  if (use.kind == TrunkUse::Kind::forward) return load.channels < channel_limit_ * kForwardsForASession;
  if (use.afresh && had_ + load.sessions > 0) return false;
  const auto in_life = learnt_.sessions_in_life.of(key_.policy);
  if (in_life && ended(load.at_target) + load.sessions >= *in_life) return false;
  // What it has not learnt itself, a sibling may have.
  const auto at_a_time = session_limit_ ? session_limit_ : learnt_.sessions_at_a_time.of(key_.policy);
  return load.sessions < std::min(channel_limit_, at_a_time.value_or(channel_limit_));
}

std::size_t SessionRoom::ended(std::size_t at_target) const { return had_ - std::min(at_target, had_); }

bool SessionRoom::is_spent(std::size_t at_target) const {
  const auto in_life = learnt_.sessions_in_life.of(key_.policy);
  return in_life && ended(at_target) >= *in_life;
}

std::size_t SessionRoom::limit() const { return std::min(channel_limit_, session_limit_.value_or(channel_limit_)); }

void SessionRoom::note_session(std::size_t confirmed) {
  ++had_;
  peak_ = std::max(peak_, confirmed);
  learnt_.sessions_at_a_time.disprove(key_.policy, peak_);
  learnt_.sessions_in_life.disprove(key_.policy, had_);
}

SessionRoom::Refusal SessionRoom::note_refused(std::size_t others) {
  if (others > 0) {
    note_full(others);
    return Refusal::full;
  }
  if (had_ > 0) return Refusal::spent;
  // A fresh one takes none either, so it was no limit that made the others refuse.
  learnt_.sessions_at_a_time.forget(key_.policy);
  return Refusal::real;
}

void SessionRoom::note_full(std::size_t sessions) {
  session_limit_ = sessions;
  learnt_.sessions_at_a_time.learn(key_.policy, std::max(sessions, peak_));
}

void SessionRoom::note_left() {
  if (had_ > 0) learnt_.sessions_in_life.learn(key_.policy, had_);
}

void SessionRoom::note_free() {
  if (session_limit_) session_limit_ = std::max(*session_limit_, peak_);
}

}  // namespace sallyport::mux
