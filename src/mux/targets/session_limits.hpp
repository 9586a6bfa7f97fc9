// How many sessions targets take on one connection, as far as refused opens have shown.
#pragma once

#include <cstddef>

#include "mux/targets/policy_memory.hpp"

namespace sallyport::mux {

/// sshd counts sessions (MaxSessions), not channels. To learn it again costs a round trip that no client sees.
class SessionLimits : public PolicyMemory<std::size_t> {
 public:
  using PolicyMemory::PolicyMemory;

  /// That many are open at a time: a limit below was wrong, or has been raised.
  void disprove(const SharedTarget& policy, std::size_t sessions) {
    const auto known = of(policy);
    if (known && *known < sessions) forget(policy);
  }
};

}  // namespace sallyport::mux
