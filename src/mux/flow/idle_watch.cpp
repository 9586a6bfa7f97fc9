#include "mux/flow/idle_watch.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {

Duration channel_timeout(const Options& options, std::string_view kind) {
  for (const std::string_view name : {kind, kind.substr(0, kind.find(':')), std::string_view("*")}) {
    const auto entry = options.channel_timeouts.find(std::string(name));
    if (entry != options.channel_timeouts.end()) return entry->second;
  }
  return Duration::zero();
}

std::string_view channel_kind(std::string_view type) {
  if (type == "auth-agent@openssh.com") return "agent-connection";
  if (type == "x11") return "x11-connection";
  return type.substr(0, type.find('@'));
}

IdleWatch::IdleWatch(Clock& clock, Duration timeout, std::function<std::uint64_t()> traffic, std::function<void()> on_idle)
    : clock_(clock),
      timeout_(timeout),
      traffic_(std::move(traffic)),
      on_idle_(std::move(on_idle)),
      seen_(traffic_()),
      active_at_(clock.now()) {
  if (timeout_ > Duration::zero()) look_later();
}

void IdleWatch::look_later() {
  timer_ = clock_.after(std::max(timeout_ / 4, Duration(1)), [this] { look(); });
}

void IdleWatch::look() {
  const std::uint64_t traffic = traffic_();
  if (traffic != seen_) {
    seen_ = traffic;
    active_at_ = clock_.now();
  }
  if (clock_.now() - active_at_ < timeout_) return look_later();
  const auto on_idle = std::move(on_idle_);
  on_idle();
}

}  // namespace sallyport::mux
