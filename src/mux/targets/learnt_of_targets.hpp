// What trunks have found out about their targets, for the next ones of the same policy.
#pragma once

#include "mux/admission/share_key.hpp"
#include "mux/targets/policy_memory.hpp"
#include "mux/targets/session_limits.hpp"

namespace sallyport::mux {

struct LearntOfTargets {
  explicit LearntOfTargets(const Clock& clock)
      : sessions_at_a_time(clock), sessions_in_life(clock), bears_questions(clock), refuses_programs(clock) {}

  /// How many sessions it takes on one connection.
  SessionLimits sessions_at_a_time;
  /// How many it takes on one connection until that ends.
  SessionLimits sessions_in_life;
  /// Whether it bears a global request that it doesn't know: old devices end the connection.
  PolicyMemory<bool> bears_questions;
  /// It refuses a session's program and means the program, not the session.
  PolicyMemory<bool> refuses_programs;

  /// No limit made it refuse a session, for it refuses one on a fresh connection as well.
  void forget_limits(const ShareKey& key) {
    sessions_at_a_time.forget(key.policy);
    sessions_in_life.forget(key.policy);
  }
  /// It is to be got to know anew.
  void forget(const ShareKey& key) {
    forget_limits(key);
    bears_questions.forget(key.policy);
    refuses_programs.forget(key.policy);
  }
};

}  // namespace sallyport::mux
