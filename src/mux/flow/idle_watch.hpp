// Ends channels on which nothing happens (`channel_timeouts`).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>

namespace sallyport::mux {

/// The time-out of a kind of channel, as sshd_config's ChannelTimeout names them: "session:shell" is looked up as that, as
/// "session" and as "*". 0: none.
Duration channel_timeout(const Options& options, std::string_view kind);
/// The kind of a channel of this type: "direct-tcpip", "agent-connection", …
std::string_view channel_kind(std::string_view type);

/// Looks now and then whether a channel has moved data; nothing is done for each message. Tells after the time-out, and
/// before a quarter more of it has passed.
class IdleWatch {
 public:
  /// `traffic` counts the bytes so far. `on_idle` is called once, and may destroy the watch. A time-out of 0 watches nothing.
  IdleWatch(Clock& clock, Duration timeout, std::function<std::uint64_t()> traffic, std::function<void()> on_idle);
  Duration timeout() const { return timeout_; }

 private:
  void look_later();
  void look();

  Clock& clock_;
  Duration timeout_;
  std::function<std::uint64_t()> traffic_;
  std::function<void()> on_idle_;
  std::uint64_t seen_ = 0;
  TimePoint active_at_;  // when it was last seen to have moved
  std::unique_ptr<Timer> timer_;
};

}  // namespace sallyport::mux
