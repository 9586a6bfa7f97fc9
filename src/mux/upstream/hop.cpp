#include "mux/upstream/hop.hpp"

#include <utility>

#include "mux/upstream/pool_parts.hpp"
#include "wire/channel_opens.hpp"

namespace sallyport::mux {
namespace {

/// The bastion asks for itself, and no client's address is the target's business.
constexpr std::string_view kOriginator = "127.0.0.1";

OpenRequest request_for(const ResolvedTarget& target) {
  // Nothing is granted before there is a socket that takes it.
  return {std::string(wire::kDirectTcpip), 0, wire::build_direct_tcpip({target.host, target.port, kOriginator, 0})};
}

/// "target gate can't be reached: connection refused" becomes "via gate: connection refused".
std::string via_told(const std::string& via, std::string_view told) {
  for (const std::string& known : {"target " + via + " ", std::string("can't be reached: ")})
    if (told.starts_with(known)) told.remove_prefix(known.size());
  return "via " + via + ": " + std::string(told);
}

}  // namespace

Hop::Hop(PoolParts& parts, const TrunkAccess& access, HopEvents& owner, HopLossEvents& loser)
    : parts_(parts), via_(access.target().via->name), owner_(owner), loser_(loser), relay_(parts.clock, *this) {
  wish_ = std::make_unique<ChannelWish>(parts, hop_access(access), request_for(access.target()),
                                        static_cast<ChannelWishEvents&>(*this));
  wish_->begin();
}

Hop::~Hop() { part(); }

void Hop::part() {
  owner_.drop();
  loser_.drop();
  wish_.reset();
  relay_.end();
  if (endpoint_ != nullptr) endpoint_->abandon();
  if (channel_ != nullptr) std::exchange(channel_, nullptr)->abandon();
}

void Hop::on_wish_granted(Channel& channel, TrunkId trunk) {
  parts_.graveyard.bury(std::move(wish_));
  trunk_ = trunk;
  channel_ = &channel;
  channel_->attach(&relay_.events(Side::upstream));
  owner_.end(&HopEvents::on_hop_ready);
}

void Hop::on_wish_failed(wire::OpenFailureReason, Told told) {
  parts_.graveyard.bury(std::move(wish_));
  owner_.end(&HopEvents::on_hop_failed, Told(via_told(via_, told.text())));
}

std::unique_ptr<UpstreamAttempt> Hop::connect(const ResolvedTarget& target, const UpstreamClient& client,
                                              UpstreamEvents& events) {
  std::unique_ptr<UpstreamAttempt> attempt;
  const auto make = [&](StreamEvents& carrier) {
    CarriedAttempt carried = parts_.connector.connect_over(target, client, events, carrier);
    attempt = std::move(carried.attempt);
    return std::move(carried.carrier);
  };
  endpoint_ = std::make_unique<StreamEndpoint>(make, relay_.events(Side::downstream), static_cast<StreamOpenEvents&>(*this),
                                               parts_.accounts.of_trunk(client.user));
  return attempt;
}

void Hop::on_stream_open() {
  // Gone already, and the attempt will find no peer.
  if (channel_ == nullptr) return endpoint_->abandon();
  relay_.join(*endpoint_, *std::exchange(channel_, nullptr));
}

void Hop::on_stream_failed(const Error&) {
  if (channel_ != nullptr) std::exchange(channel_, nullptr)->abandon();  // the attempt says why there is no socket
}

void Hop::on_relay_over(Side by, std::string_view lost) {
  if (endpoint_ != nullptr) endpoint_->abandon();  // which the relay has done, unless nothing was joined yet
  channel_ = nullptr;
  if (by == Side::upstream && !lost.empty())
    loser_.end(&HopLossEvents::on_hop_lost, Told("via " + via_ + ": " + std::string(lost)));
}

}  // namespace sallyport::mux
