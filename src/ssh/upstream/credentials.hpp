// What an upstream login needs from files.
#pragma once

#include <string>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

#include "ssh/keys/handles.hpp"
#include "ssh/keys/known_hosts.hpp"
#include "ssh/upstream/client_options.hpp"

namespace sallyport::ssh {

/// One credential, ready for use. A key file with a certificate beside it makes two.
struct ReadyCredential {
  Credential::Kind kind = Credential::Kind::key_file;
  std::string label;      ///< for the log: "key:/etc/sallyport/keys/alice", "password"
  std::string path;       ///< agent: its socket
  KeyHandle key;          ///< key_file, certificate_authority; signer: the new key, without its certificate
  SecretString password;  ///< password_file
};

/// The files' content, ready for use.
struct ClientFiles {
  std::vector<ReadyCredential> credentials;  ///< in the order in which they are tried
  std::vector<std::string> problems;         ///< files that could not be used, for the log
  std::string passed_over;                   ///< credentials for which this client has nothing, for the log of a failure
  KnownHosts known_hosts;
};

/// "alice/c12": the key id of certificates that are made for the client.
std::string certificate_identity(const UpstreamClient& client);

/// Reads everything that `options` names, and issues certificates. Errc::config when files are at fault: no known_hosts file can
/// be read, or none of the credentials; Errc::denied when the client has nothing for those that there are. Blocks: for a thread
/// pool.
Result<ClientFiles> read_client_files(const ClientOptions& options);

}  // namespace sallyport::ssh
