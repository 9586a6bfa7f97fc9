// What an upstream login needs from files.
#pragma once

#include <string>
#include <vector>

#include <sallyport/result.hpp>

#include "ssh/client_connection.hpp"
#include "ssh/handles.hpp"
#include "ssh/known_hosts.hpp"

namespace sallyport::ssh {

/// The files' content, ready for use.
struct ClientFiles {
  std::vector<KeyHandle> keys;        ///< in the order in which they are tried
  std::vector<std::string> problems;  ///< key files that could not be used, for the log
  KnownHosts known_hosts;
};

/// Reads everything that `options` names. Errc::config when there is no key to try, or no known_hosts file can be read.
/// Blocks: for a thread pool.
Result<ClientFiles> read_client_files(const ClientOptions& options);

}  // namespace sallyport::ssh
