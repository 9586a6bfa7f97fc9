// A client's agent, lent to the login at a target that is under way for that client.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/link_channel.hpp"
#include "mux/client/services.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/relay/plain_relay.hpp"
#include "mux/relay/stream_endpoint.hpp"

namespace sallyport::mux {

/// The login that wants it: `to` becomes null when that is over, or has been answered.
struct AgentBorrower {
  UpstreamAnswers* to = nullptr;
  std::string target;  ///< name of the target
};

/// The client is asked for a channel to its agent; what comes there goes to the login, until either has enough.
class AgentLoan final : public LinkChannel, public OpenEvents, private StreamOpenEvents, private PlainRelayEvents {
 public:
  /// `client` outlives the loan.
  AgentLoan(const Services& services, const Admission& client, ChannelId id, std::shared_ptr<AgentBorrower> borrower);
  ~AgentLoan() override;
  AgentLoan(const AgentLoan&) = delete;
  AgentLoan& operator=(const AgentLoan&) = delete;

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
  // StreamOpenEvents and PlainRelayEvents
  void on_stream_open() override;
  void on_stream_failed(const Error& why) override;
  void on_relay_over(Side by, std::string_view lost) override;

  const std::shared_ptr<AgentBorrower> borrower_;
  Channel* downstream_ = nullptr;  // until it is joined or closed
  std::unique_ptr<StreamEndpoint> endpoint_;
  PlainRelay relay_;  // after its ends, which it abandons
};

}  // namespace sallyport::mux
