// What happens at targets and on the way to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/result.hpp>

namespace sallyport::facts {

struct Trunk {
  TrunkId id{};
  std::string_view user;    ///< whose it is
  std::string_view target;  ///< the target's name
};

/// There are enough logins under way at the target: it waits for its turn.
struct TrunkWaiting {
  Trunk trunk;
};
struct TrunkConnecting {
  Trunk trunk;
};
struct TrunkReady {
  Trunk trunk;
  Duration took{};
};
struct TrunkFailed {
  Trunk trunk;
  std::string_view why;
};
/// After that failure the user's next login there is not tried before `pause` is over.
struct LoginsPaused {
  Trunk trunk;
  Duration pause{};
};
/// The target let a channel wait too long; new ones go elsewhere until it gives a sign of life.
struct TrunkSilent {
  Trunk trunk;
};
/// The target ended the connection over the first global request: it is asked nothing more, and so isn't watched for signs of
/// life.
struct TrunkUnquestioned {
  Trunk trunk;
};
/// The target refused one more session; that many is what it takes on this trunk.
struct TrunkFull {
  Trunk trunk;
  std::size_t sessions = 0;
};
/// `why` is our own text.
struct TrunkDraining {
  Trunk trunk;
  std::string_view why;
};
struct TrunkClosed {
  Trunk trunk;
  const Error& why;
};

/// The target asked for a channel that it doesn't get. `why` is our own text.
struct TargetOpenRefused {
  Trunk trunk;
  std::string_view type;
  std::string_view why;
};
/// The target said something that isn't passed on: it is unknown here, or malformed. `why` is our own text.
struct TargetRequestRefused {
  Trunk trunk;
  std::string_view request;
  std::string_view why;
};
/// `what` is our own text.
struct TargetViolation {
  Trunk trunk;
  std::string_view what;
};
/// As ClientMessageIgnored, of the target.
struct TargetMessageIgnored {
  Trunk trunk;
  std::string_view what;
  std::uint64_t count = 0;
};

/// A login at a target goes on without something that it was to have.
struct UpstreamLoginHindered {
  std::string_view user;  ///< the client's
  std::string_view target;
  std::string_view problem;
};
/// The target has let us in.
struct UpstreamLoginAccepted {
  std::string_view user;  ///< the client's
  std::string_view target;
  std::string_view login;  ///< the login name there
  std::string_view credential;
};
/// What the target has proved of its host keys stands in `file`.
struct HostKeysLearnt {
  std::string_view target;
  std::size_t added = 0;
  std::size_t removed = 0;
  std::string_view file;
};
struct HostKeysNotLearnt {
  std::string_view target;
  std::string_view why;
};

/// A step of a channel on a trunk, our number of it there; see mux::ChannelState.
struct TrunkChannelStep {
  Trunk trunk;
  LocalChannel number{};
  std::string_view from;
  std::string_view to;
};
/// A step of a trunk itself; see TrunkState.
struct TrunkStep {
  Trunk trunk;
  std::string_view from;
  std::string_view to;
};
/// A step of a wish for a trunk to that target, on behalf of the user's connection `client`, if it is one's; see
/// mux::TrunkWaiter::State.
struct TrunkWishStep {
  std::string_view user;
  std::optional<ConnectionId> client;
  std::string_view target;
  std::string_view from;
  std::string_view to;
};

}  // namespace sallyport::facts
