// What a client's connection knows of each of its channels, whatever kind it is, and what all kinds have in common.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/told.hpp>

#include "mux/admission/admission.hpp"
#include "mux/client/services.hpp"
#include "mux/flow/idle_watch.hpp"
#include "mux/flow/rate_limit.hpp"

namespace sallyport::mux {

/// One client channel with what is behind it. Its Link owns it, and buries it when the channel is gone.
class LinkChannel {
 public:
  virtual ~LinkChannel();
  LinkChannel(const LinkChannel&) = delete;
  LinkChannel& operator=(const LinkChannel&) = delete;

  ChannelId id() const { return ids_.channel; }
  ChannelRow row() const;
  /// The trunk that it rides on; absent when it ends on the bastion, or nowhere yet.
  std::optional<TrunkId> trunk() const { return ids_.trunk; }
  /// A shell, a command or a subsystem, and no connection that is forwarded.
  virtual bool is_session() const { return false; }
  /// Ends the channel from our side; the client is told `told` where its kind of channel has a place for it.
  virtual void end(Told told) = 0;
  /// The client is gone, or the channel is closed: lets go of everything, and tells the journal, once.
  void leave();

 protected:
  /// `client` outlives the channel; `target` is the target's name, as far as it is known.
  LinkChannel(const Services& services, const Admission& client, const ChannelIds& ids, std::string target);

  /// Bytes of data that have come from the client, and that have gone to it.
  virtual ByteCounts traffic() const = 0;
  /// Adds what is the kind's own: type, request, command and state.
  virtual void describe(ChannelRow& row) const = 0;
  /// What leave() does first.
  virtual void let_go() = 0;
  bool has_left() const { return left_; }

  /// end() comes when nothing has moved for the target's time-out of that kind (see channel_timeout()).
  void watch_idleness(const Options& options, std::string kind);
  /// What the user's channels at that target may move together, as its options say; null: as much as they like.
  std::shared_ptr<RateLimits> rate_limits(const std::string& target, const Options& options) const;

  const Services services_;
  const Admission& client_;
  ChannelIds ids_;
  std::string target_name_;

 private:
  bool left_ = false;
  const TimePoint since_;
  std::optional<IdleWatch> idle_;
};

}  // namespace sallyport::mux
