#include "mux/forward/forward.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "match/match.hpp"
#include "mux/admission/share_key.hpp"
#include "mux/flow/flow_credit.hpp"
#include "mux/relay/local_endpoint.hpp"
#include "wire/channel_opens.hpp"

namespace sallyport::mux {
namespace {

/// Nobody decides by the originator, and a client may claim any. What is no address must not reach a target's parser.
TcpAddress sound_originator(std::string_view address, std::uint32_t port) {
  if (!config::parse_ip(address) || port > 65535) return {"0.0.0.0", 0};
  return {std::string(address), static_cast<std::uint16_t>(port)};
}

/// For the client, which need not know more of the bastion's network.
Told told_of(Errc code) {
  switch (code) {
    case Errc::not_found: return Told("name not found");
    case Errc::refused: return Told("connection refused");
    case Errc::timeout: return Told("no answer in time");
    case Errc::limit: return Told("too many connections; try again later");
    case Errc::denied: return Told("forwarding to this destination is not allowed");
    default: return Told("connect failed");
  }
}

}  // namespace

std::optional<ForwardRequest> forward_of(const wire::OpenFields& open) {
  if (const auto* to = std::get_if<wire::DirectStreamlocal>(&open))
    return ForwardRequest{std::string(wire::kDirectStreamlocal), route::Destination::of_socket(to->path), {}};
  if (const auto* to = std::get_if<wire::DirectTcpip>(&open))
    return ForwardRequest{std::string(wire::kDirectTcpip), route::Destination::of_port(to->host, to->port),
                          sound_originator(to->originator, to->originator_port)};
  return std::nullopt;
}

Forward::Forward(const Services& services, const Admission& client, WishOrder& order, ChannelId id, Channel& downstream,
                 ForwardRequest request, const route::Permit& permit)
    : LinkChannel(services, client, {client.id, id, std::nullopt}, permit.target().name),
      downstream_(downstream),
      request_(std::move(request)),
      permit_(std::make_unique<route::Permit>(permit)),
      relay_(services.clock, *this) {
  const ResolvedTarget& target = permit.target();
  downstream_.attach(&relay_.events(Side::downstream));
  relay_.limit(rate_limits(target.name, target.options));
  watch_idleness(target.options, std::string(channel_kind(request_.type)));
  // What the bastion connects itself, for a target elsewhere, has nothing to do with what goes there.
  if (target.options.jump == Jump::target || target.kind == TargetKind::local)
    wish_ = order.enter(target.name, [this] { begin(); });
  begin();
}

Forward::~Forward() = default;

void Forward::begin() {
  if (permit_ == nullptr) return;
  const ResolvedTarget& target = permit_->target();
  if (target.options.jump == Jump::target) return ask_target(target);
  if (wish_ != nullptr && !wish_->may_go(std::nullopt)) return;
  wish_.reset();
  connect(target);
  permit_.reset();
}

void Forward::ask_target(const ResolvedTarget& target) {
  // The target may send at once what the client has offered to take.
  OpenRequest open{request_.type, std::min({downstream_.window(), downstream_.credit(), FlowCredit::kFloorAlone}),
                   upstream_fields(), wish_->beside()};
  TrunkAccess access = trunk_access(client_, target);
  if (!wish_->may_go(services_.pool.trunk_for(access, open))) return;
  channel_wish_ = services_.pool.wish_for_channel(std::move(access), std::move(open), *this);
  if (const auto trunk = channel_wish_->asked_on()) wish_->note_gone(*trunk);
  permit_.reset();
}

void Forward::connect(const ResolvedTarget& target) {
  const route::Destination& to = request_.destination;
  const auto make = [this, &target, &to](StreamEvents& events) {
    if (target.options.jump == Jump::terminate)
      return services_.streams.enter({client_.id, client_.source.address, client_.source.port, to.host}, events);
    // the policy has seen to it that the port fits
    StreamAddress address{to.host, static_cast<std::uint16_t>(to.port), to.path};
    address.user = client_.user;
    if (to.is_socket && target.kind == TargetKind::local)
      address.account = SocketAccount{target.local.user, local_login(target.local, client_.source.address)};
    return services_.streams.connect(address, target.options.connect_timeout, events);
  };
  endpoint_ = std::make_unique<StreamEndpoint>(make, relay_.events(Side::upstream), static_cast<StreamOpenEvents&>(*this),
                                               downstream_.account());
}

Bytes Forward::upstream_fields() const {
  const route::Destination& to = request_.destination;
  if (to.is_socket) return wire::build_direct_streamlocal(to.path);
  return wire::build_direct_tcpip({to.host, to.port, request_.originator.address, request_.originator.port});
}

void Forward::describe(ChannelRow& row) const {
  row.type = request_.type;
  row.command = request_.destination.text();
  const bool connecting = downstream_.state() == ChannelState::requested;
  row.state = connecting ? "connecting" : name_of(downstream_.state());
}

void Forward::on_wish_granted(Channel& channel, TrunkId trunk) {
  WishOrder::Entry::arrive(wish_);
  services_.graveyard.bury(std::move(channel_wish_));
  ids_.trunk = trunk;
  channel.attach(&relay_.events(Side::upstream));
  begin_relaying(channel);
}

void Forward::on_stream_open() { begin_relaying(*endpoint_); }

void Forward::begin_relaying(ChannelEnd& upstream) {
  services_.journal.tell(facts::ForwardOpened{client_.who(), ids_, request_.type, request_.destination.text(), target_name_});
  downstream_.confirm(PlainRelay::initial_grant(downstream_, upstream));
  relay_.join(downstream_, upstream);
}

void Forward::on_wish_failed(wire::OpenFailureReason reason, Told told) {
  WishOrder::Entry::arrive(wish_);
  services_.graveyard.bury(std::move(channel_wish_));
  refuse(reason, told, told.text());
}

void Forward::on_stream_failed(const Error& why) {
  const bool denied = why.code == Errc::denied;
  refuse(denied ? wire::OpenFailureReason::administratively_prohibited : wire::OpenFailureReason::connect_failed,
         told_of(why.code), why.detail);
}

void Forward::refuse(wire::OpenFailureReason reason, Told told, std::string_view detail) {
  services_.journal.tell(facts::ForwardRefused{client_.who(), ids_, request_.type, request_.destination.text(), detail});
  downstream_.refuse(reason, told);
}

void Forward::on_relay_over(Side, std::string_view) { leave(); }

void Forward::end(Told told) {
  if (downstream_.state() == ChannelState::requested) return refuse(wire::OpenFailureReason::connect_failed, told, told.text());
  leave();
}

void Forward::let_go() {
  wish_.reset();
  permit_.reset();
  channel_wish_.reset();
  relay_.end();
  if (endpoint_ != nullptr) endpoint_->abandon();  // it reports nothing more, wherever it is
  services_.graveyard.bury(std::move(endpoint_));  // perhaps it is reporting just now
}

}  // namespace sallyport::mux
