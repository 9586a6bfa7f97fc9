#include "mux/forward/target_channel.hpp"

#include <algorithm>
#include <utility>

namespace sallyport::mux {

using wire::OpenFailureReason;

TargetChannel::TargetChannel(const Services& services, const Admission& client, const ChannelIds& ids, Channel& upstream,
                             const route::Permit& permit, TargetChannelInfo info)
    : services_(services),
      client_(client),
      ids_(ids),
      info_(std::move(info)),
      upstream_(&upstream),
      relay_(services.clock, *this),
      since_(services.clock.now()) {
  upstream.attach(&relay_.events(Side::upstream));
  // Which of the route's rules brought the client to this target is not known here: the route's own options hold.
  const ResolvedTarget& target = permit.target();
  relay_.limit(services_.rates.limits_of(client_.user, info_.target, static_cast<std::uint64_t>(target.options.rate_limit),
                                         services_.clock.now()));
  watch_idleness(target.options);
}

TargetChannel::~TargetChannel() = default;

std::uint32_t TargetChannel::initial_grant() const {
  return std::min({upstream_->window(), upstream_->credit(), FlowCredit::kFloorAlone});
}

ChannelRow TargetChannel::row() const {
  ChannelRow row;
  row.id = ids_.channel;
  row.connection = ids_.connection;
  row.user = client_.user;
  row.trunk = ids_.trunk;
  row.target = info_.target;
  row.type = info_.type;
  row.command = info_.origin;
  row.since = since_;
  row.state = relay_.joined() ? "open" : "connecting";
  row.bytes = {relay_.bytes_from(Side::downstream), relay_.bytes_from(Side::upstream)};
  return row;
}

void TargetChannel::on_open_confirmed() {
  Channel& upstream = *std::exchange(upstream_, nullptr);
  Channel& downstream = *std::exchange(downstream_, nullptr);
  services_.journal.forward_opened(client_, ids_, info_.type, info_.origin, info_.target);
  downstream.attach(&relay_.events(Side::downstream));
  upstream.confirm(PlainRelay::initial_grant(upstream, downstream));
  relay_.join(downstream, upstream);
}

void TargetChannel::on_open_refused(OpenFailureReason reason, std::string_view description) {
  downstream_ = nullptr;
  services_.journal.forward_refused(client_, ids_, info_.type, info_.origin,
                                    "the client refused it: " + std::string(description));
  if (Channel* upstream = std::exchange(upstream_, nullptr)) upstream->refuse(reason, description);
}

void TargetChannel::on_open_lost(std::string_view) {
  downstream_ = nullptr;
  leave();
}

void TargetChannel::on_relay_over(Side by, std::string_view) {
  if (by == Side::upstream) upstream_ = nullptr;
  leave();
}

void TargetChannel::end(std::string_view) { leave(); }

void TargetChannel::leave() {
  if (std::exchange(left_, true)) return;
  relay_.end();
  if (Channel* upstream = std::exchange(upstream_, nullptr)) upstream->abandon();
  // The client has not answered yet; when it does, its end is closed.
  if (Channel* downstream = std::exchange(downstream_, nullptr)) downstream->abandon();
  services_.journal.channel_closed(client_, ids_, relay_.bytes_from(Side::downstream), relay_.bytes_from(Side::upstream),
                                   services_.clock.now() - since_);
}

void TargetChannel::watch_idleness(const Options& options) {
  const std::string_view kind = channel_kind(info_.type);
  const Duration timeout = channel_timeout(options, kind);
  if (timeout == Duration::zero()) return;
  idle_.emplace(
      services_.clock, timeout, [this] { return relay_.bytes_from(Side::downstream) + relay_.bytes_from(Side::upstream); },
      [this, kind, timeout] {
        services_.journal.channel_idle(client_, ids_, kind, timeout);
        end("nothing has happened there for too long");
      });
}

}  // namespace sallyport::mux
