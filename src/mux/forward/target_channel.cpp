#include "mux/forward/target_channel.hpp"

#include <algorithm>
#include <utility>

#include "mux/flow/flow_credit.hpp"

namespace sallyport::mux {

using wire::OpenFailureReason;

TargetChannel::TargetChannel(const Services& services, const Admission& client, const ChannelIds& ids, Channel& upstream,
                             const route::Permit& permit, TargetChannelInfo info)
    : LinkChannel(services, client, ids, info.target),
      info_(std::move(info)),
      upstream_(&upstream),
      relay_(services.clock, *this) {
  upstream.attach(&relay_.events(Side::upstream));
  // Which of the route's rules brought the client to this target is not known here: the route's own options hold.
  const Options& options = permit.target().options;
  relay_.limit(rate_limits(target_name_, options));
  watch_idleness(options, std::string(channel_kind(info_.type)));
}

TargetChannel::~TargetChannel() = default;

std::uint32_t TargetChannel::initial_grant() const {
  return std::min({upstream_->window(), upstream_->credit(), FlowCredit::kFloorAlone});
}

void TargetChannel::describe(ChannelRow& row) const {
  row.type = info_.type;
  row.command = info_.origin;
  row.state = relay_.joined() ? "open" : "connecting";
}

void TargetChannel::on_open_confirmed() {
  Channel& upstream = *std::exchange(upstream_, nullptr);
  Channel& downstream = *std::exchange(downstream_, nullptr);
  services_.journal.tell(facts::ForwardOpened{client_.who(), ids_, info_.type, info_.origin, target_name_});
  downstream.attach(&relay_.events(Side::downstream));
  upstream.confirm(PlainRelay::initial_grant(upstream, downstream));
  relay_.join(downstream, upstream);
}

void TargetChannel::on_open_refused(OpenFailureReason reason, std::string_view description) {
  downstream_ = nullptr;
  services_.journal.tell(
      facts::ForwardRefused{client_.who(), ids_, info_.type, info_.origin, "the client refused it: " + std::string(description)});
  if (Channel* upstream = std::exchange(upstream_, nullptr)) upstream->refuse(reason, Told(description));
}

void TargetChannel::on_open_lost(Told) {
  downstream_ = nullptr;
  leave();
}

void TargetChannel::on_relay_over(Side by, std::string_view) {
  if (by == Side::upstream) upstream_ = nullptr;
  leave();
}

void TargetChannel::end(Told) { leave(); }

void TargetChannel::let_go() {
  relay_.end();
  if (Channel* upstream = std::exchange(upstream_, nullptr)) upstream->abandon();
  // The client has not answered yet; when it does, its end is closed.
  if (Channel* downstream = std::exchange(downstream_, nullptr)) downstream->abandon();
}

}  // namespace sallyport::mux
