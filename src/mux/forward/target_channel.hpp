// A channel that a target opens to a client: a forwarded connection, or one to the client's agent or display.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/link_channel.hpp"
#include "mux/client/services.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/relay/plain_relay.hpp"
#include "route/policy.hpp"

namespace sallyport::mux {

/// What the log says of such a channel.
struct TargetChannelInfo {
  std::string type;
  std::string target;  ///< name of the target
  std::string origin;  ///< where the connection came in, and from whom; empty for an agent
};

/// The client is asked for a channel of the same type; the target's open is confirmed or refused when it has answered.
class TargetChannel final : public LinkChannel, public OpenEvents, private PlainRelayEvents {
 public:
  /// `upstream` waits for its answer; it and `client` outlive the channel. `permit` is for the channel's type.
  TargetChannel(const Services& services, const Admission& client, const ChannelIds& ids, Channel& upstream,
                const route::Permit& permit, TargetChannelInfo info);
  ~TargetChannel() override;
  TargetChannel(const TargetChannel&) = delete;
  TargetChannel& operator=(const TargetChannel&) = delete;

  /// What the client may be granted when it is asked for its end.
  std::uint32_t initial_grant() const;
  /// The client's end, which is being opened with this object as the receiver of the outcome. Called once, at once.
  void set_downstream(Channel& downstream) { downstream_ = &downstream; }

  // LinkChannel
  void end(Told told) override;

  // OpenEvents
  void on_open_confirmed() override;
  void on_open_refused(wire::OpenFailureReason reason, std::string_view description) override;
  void on_open_lost(Told told) override;

 private:
  // LinkChannel
  ByteCounts traffic() const override { return {relay_.bytes_from(Side::downstream), relay_.bytes_from(Side::upstream)}; }
  void describe(ChannelRow& row) const override;
  void let_go() override;
  // PlainRelayEvents
  void on_relay_over(Side by, std::string_view lost) override;

  TargetChannelInfo info_;
  Channel* upstream_;              // until the client has answered, or the target has gone
  Channel* downstream_ = nullptr;  // until it is closed
  PlainRelay relay_;
};

}  // namespace sallyport::mux
