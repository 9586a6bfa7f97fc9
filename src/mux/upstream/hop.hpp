// The way to a target through another target's trunk: a direct-tcpip channel there carries the SSH connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/ids.hpp>
#include <sallyport/told.hpp>
#include <sallyport/told_once.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/share_key.hpp"
#include "mux/protocol/channel.hpp"
#include "mux/relay/plain_relay.hpp"
#include "mux/relay/stream_endpoint.hpp"
#include "mux/upstream/channel_wish.hpp"

namespace sallyport::mux {

struct PoolParts;

/// What a hop tells the login that it is for, and what the login in between needs. Never inside a call of the hop's; the hop must
/// not be destroyed in it. on_hop_ready() or on_hop_failed() is the last event.
class HopEvents : public UpstreamNeeds {
 public:
  /// The channel is open: connect() may be called.
  virtual void on_hop_ready() = 0;
  /// `told` is for a client, and begins with the name of the hop: "via gate: connection refused".
  virtual void on_hop_failed(Told told) = 0;
};

/// Who has what a hop carries. Called as HopEvents are.
class HopLossEvents {
 public:
  virtual ~HopLossEvents() = default;
  /// The trunk that the channel was on was lost, after on_hop_ready(). `told` is as for on_hop_failed().
  virtual void on_hop_lost(Told told) = 0;
};

/// One channel of the trunk of `target.via` that `access` allows. Destroying it closes the channel, behind what has been
/// sent.
class Hop final : private ChannelWishEvents, private PlainRelayEvents, private StreamOpenEvents {
 public:
  /// Asks for the channel. `owner` is there until its last event, and `loser` until another one takes its place.
  Hop(PoolParts& parts, const TrunkAccess& access, HopEvents& owner, HopLossEvents& loser);
  ~Hop() override;
  Hop(const Hop&) = delete;
  Hop& operator=(const Hop&) = delete;

  /// Logs in to the target, over the channel. Once, after on_hop_ready.
  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                         UpstreamEvents& events);
  /// Who is told of a loss from now on, and outlives the hop.
  void report_loss_to(HopLossEvents& loser) { loser_.pass_to(loser); }
  /// Gives back what it has of other trunks; no event follows.
  void part();
  /// The trunk that the channel is on; empty before there is one.
  std::optional<TrunkId> trunk() const { return trunk_; }

 private:
  void on_wish_granted(Channel& channel, TrunkId trunk) override;
  void on_wish_failed(wire::OpenFailureReason reason, Told told) override;
  // What the login of the trunk in between needs, the client of this one's has.
  void on_agent_wanted(UpstreamAnswers& to) override { owner_.tell(&HopEvents::on_agent_wanted, to); }
  void on_question(UpstreamAnswers& to, const UpstreamQuestion& question) override {
    owner_.tell(&HopEvents::on_question, to, question);
  }
  void on_relay_over(Side by, std::string_view lost) override;
  void on_stream_open() override;
  void on_stream_failed(const Error& why) override;

  PoolParts& parts_;
  const std::string via_;  // the name of the target in between
  ToldOnce<HopEvents> owner_;
  ToldOnce<HopLossEvents> loser_;
  std::optional<TrunkId> trunk_;
  Channel* channel_ = nullptr;  // until it is over or joined
  std::unique_ptr<StreamEndpoint> endpoint_;
  PlainRelay relay_;  // after its ends, which it abandons
  std::unique_ptr<ChannelWish> wish_;
};

}  // namespace sallyport::mux
