// One client's connection: its channels, each with its own endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/link_channel.hpp"
#include "mux/client/wish_order.hpp"
#include "mux/downstream/link_forwards.hpp"
#include "mux/forward/forward.hpp"
#include "mux/protocol/connection.hpp"
#include "mux/session/session.hpp"
#include "mux/upstream/trunk.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

class Link;

/// What a link needs of the hub that owns it.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual ChannelId next_channel_id() = 0;
  virtual ForwardId next_forward_id() = 0;
  /// Why no channel may be opened now; empty when it may.
  virtual std::string_view refuses_channels() const = 0;
  /// The last event.
  virtual void on_link_closed(Link& link) = 0;
};

class Link final : public Connection, private LinkForwardsHost, private LenderEvents {
 public:
  struct Settings {
    KeepaliveSettings keepalive;
    Credit credit;
    std::shared_ptr<Account> account;
    std::uint32_t maximum_channels = 256;  ///< sessions
    std::uint32_t maximum_forwarded = 1024;
    std::uint32_t maximum_forwards = 64;
  };

  Link(const Services& services, Admission client, std::unique_ptr<Transport> transport, const Settings& settings,
       LinkEvents& owner);
  ~Link() override;

  const Admission& client() const { return client_; }
  ConnectionRow row() const;
  void add_rows(std::vector<ChannelRow>& rows) const;
  void add_rows(std::vector<ForwardRow>& rows) const { forwards_.add_rows(rows); }
  /// As many forwards as have rows. There are open_channels() of the others.
  std::size_t open_forwards() const { return forwards_.count(); }
  /// False when the link has no such channel.
  bool end_channel(ChannelId id, std::string_view reason);
  /// On which its channels ride, or which its forwards need: each once, ascending.
  std::vector<TrunkId> trunks() const;

 private:
  void on_channel_open(const wire::ChannelOpen& open, const wire::OpenFields& fields) override;
  void on_global_request(const wire::GlobalRequest& request, const wire::GlobalFields& fields,
                         GlobalReplies::Ticket ticket) override;
  void on_channel_gone(LocalChannel local) override;
  void on_violation(std::string_view what) override;
  void on_ignored(std::string_view what, std::uint64_t count) override;
  void on_channel_changed(const Channel& channel, ChannelState from) override;
  wire::Speaker peer() const override { return wire::Speaker::client; }
  void on_unsound(wire::Form form, std::string_view name, std::string_view why, const Channel* channel) override;
  Told loss_told() const override { return Told("the client is gone"); }
  void on_connection_closed(const Error& why) override;
  // LinkForwardsHost
  ForwardId next_forward_id() override { return owner_.next_forward_id(); }
  std::string_view refuses_forwards() const override { return owner_.refuses_channels(); }
  void answer_forward(GlobalReplies::Ticket ticket, bool success, ByteView rest) override {
    answer_global(ticket, success, rest);
  }
  void take_channel(Trunk& trunk, const wire::ChannelOpen& open, TargetChannelInfo info) override;
  void on_forward_lost(Told told) override;
  // LenderEvents
  void on_lent_channel(Trunk& trunk, const wire::ChannelOpen& open, std::string_view originator) override;
  void lend_agent_to(std::shared_ptr<AgentBorrower> borrower) override;

  /// Refuses the channel when the connection has no room for it, whatever the policy says; false when it has.
  bool refuse(route::Act act, const wire::ChannelOpen& open);
  void refuse_unknown(const wire::ChannelOpen& open, const route::Verdict& verdict);
  void open_session(const wire::ChannelOpen& open);
  void open_forward(route::Act act, const wire::ChannelOpen& open, ForwardRequest request);
  void prove_host_keys(ByteView fields, GlobalReplies::Ticket ticket);
  /// Why there is no room for one more session; empty when there is.
  std::string_view refuses_sessions() const;
  /// The same for one more forwarded connection.
  std::string_view refuses_forwarded() const;
  void keep(LocalChannel local, std::unique_ptr<LinkChannel> channel);

  Services services_;
  Admission client_;
  std::uint32_t maximum_channels_;
  std::uint32_t maximum_forwarded_;
  std::size_t sessions_ = 0;  // of the open channels
  LinkEvents& owner_;
  bool no_more_sessions_ = false;
  std::unique_ptr<HostKeyProof> proof_;  // is being made
  std::uint32_t proofs_ = 0;             // that were asked for
  WishOrder order_;
  LinkForwards forwards_;
  TimePoint since_;
  std::vector<std::unique_ptr<LinkChannel>> by_number_;  // our channel number
};

}  // namespace sallyport::mux
