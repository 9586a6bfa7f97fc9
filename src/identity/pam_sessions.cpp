#include "identity/pam_sessions.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sallyport::identity {

class PamSessions::Open {
 public:
  Open(net::Loop& loop, Clock& clock) : loop_(loop), clock_(clock) {}

  std::uint64_t add(std::unique_ptr<PamHelper> helper) {
    helpers_[++last_].helper = std::move(helper);
    return last_;
  }
  void close(std::uint64_t id) {
    const auto found = helpers_.find(id);
    if (found == helpers_.end()) return;
    Entry& entry = found->second;
    if (entry.helper->ended()) return forget(id);
    entry.helper->close([this, id] { forget(id); });
    entry.limit = clock_.after(kGoodbye, [this, id] { forget(id); });
  }
  void close_all() {
    for (auto& [id, entry] : helpers_) entry.helper->close(nullptr);
    // A helper's end closes its socket, and the loop doesn't run any more.
    const auto deadline = std::chrono::steady_clock::now() + kLastGoodbye;
    for (const auto& [id, entry] : helpers_) wait_for_end(entry.helper->socket(), deadline);
    helpers_.clear();
  }

 private:
  struct Entry {
    std::unique_ptr<PamHelper> helper;
    std::unique_ptr<Timer> limit;
  };

  void forget(std::uint64_t id) {
    // Its end and the end of its time may come in one turn.
    auto entry = helpers_.extract(id);
    if (entry.empty()) return;
    loop_.retire(std::move(entry.mapped().helper));  // it may be on the stack, and so may the timer
    const auto timer = std::move(entry.mapped().limit);
  }

  static void wait_for_end(int socket, std::chrono::steady_clock::time_point deadline) {
    pollfd watched{socket, POLLRDHUP, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (socket >= 0) static_cast<void>(::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))));
  }

  net::Loop& loop_;
  Clock& clock_;
  std::map<std::uint64_t, Entry> helpers_;
  std::uint64_t last_ = 0;
};

PamSessions::PamSessions(net::Loop& loop, Clock& clock) : open_(std::make_shared<Open>(loop, clock)) {}

PamSessions::~PamSessions() { open_->close_all(); }

std::shared_ptr<void> PamSessions::keep(std::unique_ptr<PamHelper> helper) {
  const std::uint64_t id = open_->add(std::move(helper));
  return {nullptr, [weak = std::weak_ptr<Open>(open_), id](void*) {
            if (const auto open = weak.lock()) open->close(id);
          }};
}

}  // namespace sallyport::identity
