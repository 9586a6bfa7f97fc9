// What the multiplexer has to say to the log and the audit trail: facts, unformatted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/result.hpp>

#include "mux/admission/admission.hpp"

namespace sallyport::mux {

/// The ids that join the lines about one channel. `trunk` is absent for a channel that ends on the bastion.
struct ChannelIds {
  ConnectionId connection{};
  ChannelId channel{};
  std::optional<TrunkId> trunk;
};

/// A remote forward. The strings outlive the call it is given to.
struct RemoteForwardFacts {
  ForwardId id{};
  std::optional<TrunkId> trunk;  ///< absent until there is one
  std::string_view request;      ///< "tcpip-forward" or "streamlocal-forward"
  std::string listen;            ///< "localhost:8080", "/tmp/app.sock"
  std::string_view target;
};

/// Strings may come from a peer and hold anything: whoever shows them escapes them. Nothing is kept beyond the call.
class Journal {
 public:
  virtual ~Journal() = default;
  /// False while events are being lost: then no channel may be opened.
  virtual bool healthy() const = 0;
  virtual void channel_opened(const Admission& client, ChannelId channel, std::string_view type) = 0;
  virtual void channel_open_refused(const Admission& client, std::string_view type, std::string_view why) = 0;
  /// A shell, exec or subsystem has started, or its target was asked for it; `command` is the command line or the subsystem's
  /// name.
  virtual void program_started(const Admission& client, const ChannelIds& ids, std::string_view request, std::string_view command,
                               std::string_view target) = 0;
  virtual void program_refused(const Admission& client, const ChannelIds& ids, std::string_view request, std::string_view command,
                               std::string_view told, std::string_view why) = 0;
  /// A request on a channel that starts no program, or (then without a channel) a global request, was refused: by the
  /// policy, since it isn't sound (see wire/vocabulary.hpp), or since it comes too late or once more.
  virtual void request_refused(const Admission& client, const std::optional<ChannelIds>& ids, std::string_view request,
                               std::string_view why) = 0;
  /// It could not be started after all; `why` is for the administrator.
  virtual void program_failed(const Admission& client, const ChannelIds& ids, std::string_view request, std::string_view command,
                              std::string_view why) = 0;
  /// How it ended: an exit status, a signal's name, or neither.
  virtual void program_ended(const Admission& client, const ChannelIds& ids, std::optional<std::uint32_t> status,
                             std::string_view signal) = 0;
  /// A connection is forwarded from now on: `type` is the channel's, `destination` what was asked for.
  virtual void forward_opened(const Admission& client, const ChannelIds& ids, std::string_view type, std::string_view destination,
                              std::string_view target) = 0;
  /// It isn't; `why` is for the administrator.
  virtual void forward_refused(const Admission& client, const ChannelIds& ids, std::string_view type,
                               std::string_view destination, std::string_view why) = 0;
  /// A target listens for the client from now on.
  virtual void remote_forward_listening(const Admission& client, const RemoteForwardFacts& forward) = 0;
  /// It doesn't, or the cancel was refused; `why` is for the administrator.
  virtual void remote_forward_refused(const Admission& client, std::string_view request, std::string_view listen,
                                      std::string_view why) = 0;
  virtual void remote_forward_ended(const Admission& client, const RemoteForwardFacts& forward, std::string_view why) = 0;
  /// Nothing has happened on it for `timeout`: it is being ended.
  virtual void channel_idle(const Admission& client, const ChannelIds& ids, std::string_view kind, Duration timeout) = 0;
  virtual void channel_closed(const Admission& client, const ChannelIds& ids, std::uint64_t bytes_from_client,
                              std::uint64_t bytes_to_client, Duration open_for) = 0;
  virtual void connection_violation(const Admission& client, std::string_view what) = 0;
  /// The client said something that has no place and harms nobody: it is ignored, for the `count`th time on its connection.
  virtual void message_ignored(const Admission& client, std::string_view what, std::uint64_t count) = 0;
  virtual void connection_closed(const Admission& client, const Error& why, std::uint64_t bytes_from_client,
                                 std::uint64_t bytes_to_client, Duration open_for) = 0;

  /// There are enough logins under way at that target: it waits for its turn.
  virtual void trunk_waiting(TrunkId trunk, std::string_view user, std::string_view target) = 0;
  virtual void trunk_connecting(TrunkId trunk, std::string_view user, std::string_view target) = 0;
  virtual void trunk_ready(TrunkId trunk, Duration took) = 0;
  virtual void trunk_failed(TrunkId trunk, std::string_view detail) = 0;
  /// After that failure the user's next login there is not tried before `pause` is over.
  virtual void logins_paused(TrunkId trunk, std::string_view user, std::string_view target, Duration pause) = 0;
  /// The target let a channel wait too long; new ones go elsewhere until it gives a sign of life.
  virtual void trunk_silent(TrunkId trunk) = 0;
  /// The target ended the connection over the first global request: it is asked nothing more, and so isn't watched for signs of
  /// life.
  virtual void trunk_unquestioned(TrunkId trunk) = 0;
  /// The target refused one more session; that many is what it takes on this trunk.
  virtual void trunk_full(TrunkId trunk, std::size_t sessions) = 0;
  virtual void trunk_draining(TrunkId trunk, std::string_view why) = 0;
  /// The target asked for a channel that it doesn't get.
  virtual void target_open_refused(TrunkId trunk, std::string_view type, std::string_view why) = 0;
  /// The target said something that isn't passed on: it is unknown here, or malformed.
  virtual void target_request_refused(TrunkId trunk, std::string_view request, std::string_view why) = 0;
  virtual void trunk_violation(TrunkId trunk, std::string_view what) = 0;
  /// As message_ignored(), of the target.
  virtual void target_message_ignored(TrunkId trunk, std::string_view what, std::uint64_t count) = 0;
  virtual void trunk_closed(TrunkId trunk, const Error& why) = 0;

  /// For whoever follows a channel's life step by step (the log's level trace): the client's channel with that number, the
  /// bastion's own, goes from one state to another; see ChannelState.
  virtual void client_channel_changed(const Admission& client, LocalChannel channel, std::string_view from,
                                      std::string_view to) = 0;
  /// As above, of a session from one phase to another; see Session.
  virtual void session_changed(const Admission& client, const ChannelIds& ids, std::string_view from, std::string_view to) = 0;
  /// As above, of a channel on a trunk.
  virtual void trunk_channel_changed(TrunkId trunk, LocalChannel channel, std::string_view from, std::string_view to) = 0;
  /// As above, of a trunk itself; see TrunkState.
  virtual void trunk_changed(TrunkId trunk, std::string_view from, std::string_view to) = 0;
  /// As above, of a wish for a trunk to that target, on behalf of the user's connection `client`, if it is one's; see
  /// TrunkWaiter::State.
  virtual void trunk_wish_changed(std::string_view user, const std::optional<ConnectionId>& client, std::string_view target,
                                  std::string_view from, std::string_view to) = 0;
};

}  // namespace sallyport::mux
