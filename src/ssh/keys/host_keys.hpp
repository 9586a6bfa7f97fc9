// The server's own keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/result.hpp>

#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

/// One private host key, with what there is to log about it.
struct HostKey {
  std::string file;
  std::string type;         ///< "ssh-ed25519"; of an ECDSA key with its curve: "ecdsa-sha2-nistp256"
  std::string fingerprint;  ///< "SHA256:…"
  bool generated = false;   ///< the file was missing, and has just been made
  KeyHandle key;
};

/// A server shows the first key of each type and curve. Clients are told of the others as well, so that they know them when their
/// turn comes.
class HostKeys {
 public:
  /// What becomes of a file that isn't there.
  enum class Missing : std::uint8_t {
    make,      ///< a key is made (ed25519, mode 0600, with FILE.pub beside it), with its folder (0700) if that is missing, too
    only_ask,  ///< nothing is written: a key that nobody keeps stands for it, or it is an error when it couldn't be made
  };
  /// Loads the files. Errc::config when one can't be used: unreadable, no private key, encrypted, the same key twice. Blocks; for
  /// start-up and reload.
  static Result<HostKeys> load(const std::vector<std::string>& files, Missing missing = Missing::make);

  const std::vector<HostKey>& keys() const { return keys_; }

 private:
  std::vector<HostKey> keys_;
};

}  // namespace sallyport::ssh
