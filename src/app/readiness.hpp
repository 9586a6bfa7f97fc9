// What a configuration needs of the machine, looked at before anybody depends on it.
#pragma once

#include <string>
#include <vector>

#include <sallyport/config.hpp>

namespace sallyport::app {

/// What stands in a configuration's way. In the order of the configuration, each naming the key that it is about.
struct Readiness {
  std::vector<std::string> obstacles;  ///< a daemon doesn't start with it, or refuses the reload
  std::vector<std::string> warnings;   ///< it runs, and somebody will miss something
};

/// Where a start would fail that opens the log, the audit trail, the control socket and the listening sockets. Makes nothing, and
/// doesn't ask whether a port is free, which it isn't while the daemon runs that is to reload. Blocks.
std::vector<std::string> obstacles_at_places(const Config& config);

/// What will keep users or targets out: key files, authorities, passwords and codes that can't be read or believed, accounts
/// that aren't there, credentials and known_hosts of targets, as far as no placeholder is in their names. Blocks.
std::vector<std::string> warnings_about(const Config& config);

}  // namespace sallyport::app
