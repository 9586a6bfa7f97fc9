// What happens to clients that are logged in, and on their channels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/facts/logins.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/result.hpp>

namespace sallyport::facts {

/// Who it is.
struct Client {
  ConnectionId id{};
  std::string_view user;
  Address source;
  std::string_view methods;  ///< how it has logged in
  std::string_view route;    ///< the name; empty: none leads anywhere
};

/// A place where a target listens for a client.
struct RemoteForward {
  ForwardId id{};
  std::optional<TrunkId> trunk;  ///< absent until there is one
  std::string_view request;      ///< "tcpip-forward" or "streamlocal-forward"
  std::string listen;            ///< "localhost:8080", "/tmp/app.sock"
  std::string_view target;
};

/// There is no place left on the route, on which it is let in without one.
struct RouteFull {
  Client client;
  std::string_view route;
};
/// The configuration in force wouldn't grant it what it has: it is being ended.
struct GrantLost {
  Client client;
  std::string_view why;
};
struct ChannelOpened {
  Client client;
  ChannelId channel{};
  std::string_view type;
};
/// `why` is our own text.
struct ChannelOpenRefused {
  Client client;
  std::string_view type;
  std::string_view why;
};
/// A shell, exec or subsystem has started, or its target was asked for it; `command` is the command line or the subsystem's
/// name.
struct ProgramStarted {
  Client client;
  ChannelIds ids;
  std::string_view request;
  std::string_view command;
  std::string_view target;
};
struct ProgramRefused {
  Client client;
  ChannelIds ids;
  std::string_view request;
  std::string_view command;
  std::string_view told;  ///< to the client
  std::string_view why;
};
/// It could not be started after all.
struct ProgramFailed {
  Client client;
  ChannelIds ids;
  std::string_view request;
  std::string_view command;
  std::string_view why;
};
/// How it ended: an exit status, a signal's name, or neither.
struct ProgramEnded {
  Client client;
  ChannelIds ids;
  std::optional<std::uint32_t> status;
  std::string_view signal;
};
/// A request on a channel that starts no program, or (then without a channel) a global request, was refused: by the
/// policy, since it isn't sound (see wire/vocabulary.hpp), or since it comes too late or once more.
struct RequestRefused {
  Client client;
  std::optional<ChannelIds> ids;
  std::string_view request;
  std::string_view why;
};
/// A connection is forwarded from now on: `type` is the channel's, `destination` what was asked for.
struct ForwardOpened {
  Client client;
  ChannelIds ids;
  std::string_view type;
  std::string_view destination;
  std::string_view target;
};
struct ForwardRefused {
  Client client;
  ChannelIds ids;
  std::string_view type;
  std::string_view destination;
  std::string_view why;
};
/// A target listens for the client from now on.
struct RemoteForwardListening {
  Client client;
  const RemoteForward& forward;
};
/// It doesn't, or the cancel was refused.
struct RemoteForwardRefused {
  Client client;
  std::string_view request;
  std::string_view listen;
  std::string_view why;
};
struct RemoteForwardEnded {
  Client client;
  const RemoteForward& forward;
  std::string_view why;
};
/// Nothing has happened on the channel for `timeout`: it is being ended. `kind` is our own text.
struct ChannelIdle {
  Client client;
  ChannelIds ids;
  std::string_view kind;
  Duration timeout{};
};
struct ChannelClosed {
  Client client;
  ChannelIds ids;
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_to_client = 0;
  Duration open_for{};
};
/// `what` is our own text.
struct ClientViolation {
  Client client;
  std::string_view what;
};
/// It said something that has no place and harms nobody: it is ignored, for the `count`th time on its connection. `what` is
/// our own text.
struct ClientMessageIgnored {
  Client client;
  std::string_view what;
  std::uint64_t count = 0;
};
struct ConnectionClosed {
  Client client;
  const Error& why;
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_to_client = 0;
  Duration open_for{};
};

/// A step: the client's channel with that number, the bastion's own, goes from one state to another; see mux::ChannelState.
struct ClientChannelStep {
  Client client;
  LocalChannel number{};
  std::string_view from;
  std::string_view to;
};
/// A step of a session from one phase to another; see mux::Session.
struct SessionStep {
  Client client;
  ChannelIds ids;
  std::string_view from;
  std::string_view to;
};

}  // namespace sallyport::facts
