// The PAM sessions of clients that are logged in.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <sallyport/clock.hpp>

#include "identity/pam_helper.hpp"

namespace sallyport::identity {

/// Keeps each session's helper until it has closed the session and ended.
class PamSessions {
 public:
  /// So long a helper may take to end; then it is killed.
  static constexpr Duration kGoodbye{10'000};
  /// And so long all of them together when the daemon ends.
  static constexpr Duration kLastGoodbye{3'000};

  PamSessions(net::Loop& loop, Clock& clock);
  /// Closes what is open and waits for the helpers, for kLastGoodbye at the most.
  ~PamSessions();
  PamSessions(const PamSessions&) = delete;
  PamSessions& operator=(const PamSessions&) = delete;

  /// Takes over a helper with an open session, which is closed when the last copy of what is returned goes. That may
  /// outlive *this.
  std::shared_ptr<void> keep(std::unique_ptr<PamHelper> helper);

 private:
  class Open;
  std::shared_ptr<Open> open_;
};

}  // namespace sallyport::identity
