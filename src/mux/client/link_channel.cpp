#include "mux/client/link_channel.hpp"

#include <cstdint>
#include <utility>

namespace sallyport::mux {

LinkChannel::LinkChannel(const Services& services, const Admission& client, const ChannelIds& ids, std::string target)
    : services_(services), client_(client), ids_(ids), target_name_(std::move(target)), since_(services.clock.now()) {}

LinkChannel::~LinkChannel() = default;

ChannelRow LinkChannel::row() const {
  ChannelRow row;
  row.id = ids_.channel;
  row.connection = ids_.connection;
  row.user = client_.user;
  row.trunk = ids_.trunk;
  row.target = target_name_;
  row.since = since_;
  row.bytes = traffic();
  describe(row);
  return row;
}

void LinkChannel::leave() {
  if (std::exchange(left_, true)) return;
  let_go();
  const ByteCounts bytes = traffic();
  services_.journal.tell(facts::ChannelClosed{client_.who(), ids_, bytes.in, bytes.out, services_.clock.now() - since_});
}

void LinkChannel::watch_idleness(const Options& options, std::string kind) {
  const Duration timeout = channel_timeout(options, kind);
  if (timeout == Duration::zero()) return;
  const auto moved = [this] {
    const ByteCounts bytes = traffic();
    return bytes.in + bytes.out;
  };
  idle_.emplace(services_.clock, timeout, moved, [this, kind = std::move(kind), timeout] {
    services_.journal.tell(facts::ChannelIdle{client_.who(), ids_, kind, timeout});
    end(Told(is_session() ? "nothing has happened here for too long" : "nothing has happened there for too long"));
  });
}

std::shared_ptr<RateLimits> LinkChannel::rate_limits(const std::string& target, const Options& options) const {
  return services_.rates.limits_of(client_.user, target, static_cast<std::uint64_t>(options.rate_limit), services_.clock.now());
}

}  // namespace sallyport::mux
