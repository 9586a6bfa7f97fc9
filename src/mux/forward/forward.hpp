// A connection that a client has forwarded: a direct-tcpip or direct-streamlocal@openssh.com channel. RFC 4254, 7.2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/link_channel.hpp"
#include "mux/client/services.hpp"
#include "mux/client/wish_order.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/relay/plain_relay.hpp"
#include "mux/relay/stream_endpoint.hpp"
#include "route/policy.hpp"
#include "wire/channel_opens.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {

/// What the client's CHANNEL_OPEN asks for.
struct ForwardRequest {
  std::string type;
  route::Destination destination;
  TcpAddress originator;  ///< as the client says; empty or "0.0.0.0" when that is no address
};

/// The forward that a client's open is for; absent: it isn't one of these types.
std::optional<ForwardRequest> forward_of(const wire::OpenFields& open);

/// The target is asked for a channel of the same type on the user's trunk, or the bastion connects, or the client meets
/// Sallyport itself (see Jump). Its open is confirmed or refused when the outcome is known.
class Forward final : public LinkChannel, private ChannelWishEvents, private StreamOpenEvents, private PlainRelayEvents {
 public:
  /// `downstream` waits for its answer; it, `client` and `order` outlive the forward. `permit` is for the destination.
  Forward(const Services& services, const Admission& client, WishOrder& order, ChannelId id, Channel& downstream,
          ForwardRequest request, const route::Permit& permit);
  ~Forward() override;
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  // LinkChannel
  void end(Told told) override;

 private:
  // LinkChannel
  ByteCounts traffic() const override { return {downstream_.bytes_received(), downstream_.bytes_sent()}; }
  void describe(ChannelRow& row) const override;
  void let_go() override;
  // ChannelWishEvents
  void on_asked(TrunkId trunk) override { wish_->note_gone(trunk); }
  void on_wish_granted(Channel& channel, TrunkId trunk) override;
  void on_wish_failed(wire::OpenFailureReason reason, Told told) override;
  // StreamOpenEvents
  void on_stream_open() override;
  void on_stream_failed(const Error& why) override;
  // PlainRelayEvents
  void on_relay_over(Side by, std::string_view lost) override;

  /// Asks the target, or connects, if it is its turn; else it is called again when it may be.
  void begin();
  void ask_target(const ResolvedTarget& target);
  void connect(const ResolvedTarget& target);
  void begin_relaying(ChannelEnd& upstream);
  /// The fields of the channel that the target is asked for: made of what has been understood, since sshd ends the
  /// connection, which is everybody's, over fields that it doesn't like.
  Bytes upstream_fields() const;
  /// The client's open is answered with `told`; the log gets `detail`.
  void refuse(wire::OpenFailureReason reason, Told told, std::string_view detail);

  Channel& downstream_;
  ForwardRequest request_;
  std::unique_ptr<route::Permit> permit_;   // until it has begun
  std::unique_ptr<WishOrder::Entry> wish_;  // null: it needs no place, or has arrived
  std::unique_ptr<ChannelWish> channel_wish_;
  std::unique_ptr<StreamEndpoint> endpoint_;
  PlainRelay relay_;
};

}  // namespace sallyport::mux
