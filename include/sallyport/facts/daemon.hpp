// The daemon's own life, and what its administrator does.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::facts {

struct DaemonStarted {
  std::string_view version;
  pid_t pid = 0;
  std::string_view config_file;
};
struct Listening {
  std::string_view address;
};
struct HostKeyReady {
  bool generated = false;  ///< there was none in that file
  std::string_view type;
  std::string_view fingerprint;
  std::string_view file;
};
struct ConfigReloaded {
  std::string_view file;
};
/// The old configuration stays.
struct ReloadFailed {
  std::string_view why;
};
struct LogsReopened {};
/// Nothing new is taken, and what is there may go on for so long.
struct DrainBegun {
  Duration timeout{};
};
/// All that is there is being ended.
struct EndBegun {
  std::size_t connections = 0;
};
struct DaemonEnded {};

/// Who has asked for something by the control socket.
struct Administrator {
  uid_t uid = 0;
  pid_t pid = 0;
};

struct ConnectionKilled {
  Administrator by;
  ConnectionId id{};
  std::string_view reason;
};
struct ChannelKilled {
  Administrator by;
  ChannelId id{};
  std::string_view reason;
};
/// All connections of the user's, so many.
struct UserKilled {
  Administrator by;
  std::string_view user;
  std::size_t count = 0;
  std::string_view reason;
};
/// `done` is "stopped", "ended" or "renewed".
struct TrunksChanged {
  Administrator by;
  std::string_view done;
  std::string_view target;
  std::string_view user;  ///< empty: everybody's
  std::size_t count = 0;
};
/// `source` is a block of addresses, or "all".
struct PenaltiesLifted {
  Administrator by;
  std::string_view source;
  std::size_t count = 0;
};
/// The host keys of a target are being looked at.
struct ScanAsked {
  Administrator by;
  std::string_view target;
};
struct ReloadAsked {
  Administrator by;
};
struct DrainAsked {
  Administrator by;
};

}  // namespace sallyport::facts
