// One client's connection: its channels, each with its own endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/connections.hpp>

#include "mux/admission.hpp"
#include "mux/connection.hpp"
#include "mux/link_channel.hpp"
#include "mux/session.hpp"

namespace sallyport::mux {

class Link;

/// What a link needs of the hub that owns it.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual ChannelId next_channel_id() = 0;
  /// Why no channel may be opened now; empty when it may.
  virtual std::string_view refuses_channels() const = 0;
  /// The last event.
  virtual void on_link_closed(Link& link) = 0;
};

class Link final : public Connection {
 public:
  struct Settings {
    KeepaliveSettings keepalive;
    Credit credit;
    std::uint32_t maximum_channels = 256;
  };

  Link(const Services& services, Admission client, std::unique_ptr<Transport> transport, const Settings& settings,
       LinkEvents& owner);
  ~Link() override;

  const Admission& client() const { return client_; }
  ConnectionRow row() const;
  void add_rows(std::vector<ChannelRow>& rows) const;
  /// False when the link has no such channel.
  bool end_channel(ChannelId id, std::string_view reason);
  /// Whether one of its channels rides on the trunk.
  bool rides_on(TrunkId trunk) const;

 private:
  void on_channel_open(const wire::ChannelOpen& open) override;
  void on_global_request(const wire::GlobalRequest& request) override;
  void on_channel_gone(LocalChannel local) override;
  void on_violation(std::string_view what) override;
  std::string_view loss_told() const override { return "the client is gone"; }
  void on_connection_closed(const Error& why) override;
  /// Why a channel of this type is refused; false when it isn't.
  bool refuse(const wire::ChannelOpen& open);
  void open_forward(const wire::ChannelOpen& open);
  void keep(LocalChannel local, std::unique_ptr<LinkChannel> channel);

  Services services_;
  Admission client_;
  std::uint32_t maximum_channels_;
  LinkEvents& owner_;
  bool no_more_sessions_ = false;
  TimePoint since_;
  std::vector<std::unique_ptr<LinkChannel>> by_number_;  // our channel number
};

}  // namespace sallyport::mux
