// What a client's connection has forwarded from its targets: the global requests of RFC 4254, 7.1, and OpenSSH's for sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/services.hpp"
#include "mux/client/wish_order.hpp"
#include "mux/forward/remote_forward.hpp"
#include "mux/forward/target_channel.hpp"
#include "mux/protocol/global_replies.hpp"
#include "route/acts.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {

/// What the forwards need of the link that owns them.
class LinkForwardsHost {
 public:
  virtual ~LinkForwardsHost() = default;
  virtual ForwardId next_forward_id() = 0;
  /// Why nothing new may begin now; empty when it may.
  virtual std::string_view refuses_forwards() const = 0;
  virtual void answer_forward(GlobalReplies::Ticket ticket, bool success, ByteView rest) = 0;
  /// Passes the target's open on to the client, or refuses it.
  virtual void take_channel(Trunk& trunk, const wire::ChannelOpen& open, TargetChannelInfo info) = 0;
  /// A forward is gone that the client believes in.
  virtual void on_forward_lost(Told told) = 0;
};

class LinkForwards final : private RemoteForwardEvents {
 public:
  /// `client`, `order` and `host` outlive it.
  LinkForwards(const Services& services, const Admission& client, WishOrder& order, LinkForwardsHost& host,
               std::uint32_t maximum);
  ~LinkForwards() override;

  /// `act` is one of the four that these are, and the request is sound. The request is answered, now or later.
  void handle(route::Act act, const wire::GlobalRequest& request, const route::Destination& address,
              GlobalReplies::Ticket ticket);
  void add_rows(std::vector<ForwardRow>& rows) const;
  /// As many as have rows: without those that are to be cancelled.
  std::size_t count() const;
  /// At whose targets they are, as far as they have one.
  std::vector<TrunkId> trunks() const;
  /// The client is gone: everything is cancelled.
  void leave();

 private:
  class Cancel;
  struct Entry {
    std::unique_ptr<RemoteForward> forward;
    GlobalReplies::Ticket ticket{};
  };

  // RemoteForwardEvents
  void on_forward_listening(RemoteForward& forward) override;
  void on_forward_failed(RemoteForward& forward, std::string_view why) override;
  void on_forward_lost(RemoteForward& forward, Told told) override;
  void on_forward_connection(RemoteForward& forward, Trunk& trunk, const wire::ChannelOpen& open,
                             std::string_view originator) override;
  void on_forward_taken_over(RemoteForward& forward) override;

  void listen(const route::Destination& address, std::string_view request, const route::Permit& permit,
              GlobalReplies::Ticket ticket);
  void cancel(const route::Destination& address, std::string_view request, GlobalReplies::Ticket ticket);
  void refuse(std::string_view request, std::string_view address, std::string_view why, GlobalReplies::Ticket ticket);
  void on_cancelled(Cancel& cancel, bool success);
  /// The newest with that address which isn't to be cancelled yet; null: there is none.
  RemoteForward* find(const route::Destination& address);
  Entry take_out(const RemoteForward& forward);

  Services services_;
  const Admission& client_;
  WishOrder& order_;
  LinkForwardsHost& host_;
  std::uint32_t maximum_;
  std::vector<Entry> forwards_;
  std::vector<std::unique_ptr<Cancel>> cancels_;  // that wait for their turn, or the target's answer
};

}  // namespace sallyport::mux
