// The server's own keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/result.hpp>

#include "ssh/handles.hpp"

namespace sallyport::ssh {

/// One private host key, with what there is to log about it.
struct HostKey {
  std::string file;
  std::string type;         ///< "ssh-ed25519"; of an ECDSA key with its curve: "ecdsa-sha2-nistp256"
  std::string fingerprint;  ///< "SHA256:…"
  bool generated = false;   ///< the file was missing, and has just been made
  KeyHandle key;
};

/// At most one each of ed25519, rsa and the three curves of ecdsa: that is what a server can offer.
class HostKeys {
 public:
  /// Loads the files; one that is not there is made (ed25519, mode 0600, with FILE.pub beside it). Errc::config when
  /// a file can't be used: unreadable, no private key, encrypted, two of one type. Blocks; for start-up and reload.
  static Result<HostKeys> load(const std::vector<std::string>& files);

  const std::vector<HostKey>& keys() const { return keys_; }

 private:
  std::vector<HostKey> keys_;
};

}  // namespace sallyport::ssh
