// Private keys in files.
#pragma once

#include <cstddef>
#include <string>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

/// The whole text of a regular file of at most `limit` bytes. Errc::not_found, io or limit. Blocks.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// The first line of a file that nobody but its owner (the daemon's user, or root) may read, without its end. Errc::not_found,
/// config (others may read it, it is empty or too long) or io. Blocks.
Result<SecretString> read_secret(const std::string& path);

/// The passphrase that a target's `passphrase_file` names: a file as above, or "credential:NAME", which systemd has put into
/// $CREDENTIALS_DIRECTORY. Blocks.
Result<SecretString> read_passphrase(const std::string& name);

/// Loads a private key, with `passphrase` if it is encrypted; Errc::not_found when there is no such file, Errc::config when it
/// can't be used: encrypted and the passphrase empty or wrong, no private key, or ours and readable for others. Blocks.
Result<KeyHandle> load_private_key(const std::string& path, const SecretString& passphrase = SecretString());

/// Puts the certificate FILE-cert.pub beside `path`, if there is one, into `with_certificate`, a copy of `key`. A null
/// handle when there is none. Errc::config when it can't be used or isn't this key's. Blocks.
Result<KeyHandle> load_certificate(const std::string& path, const KeyHandle& key);

}  // namespace sallyport::ssh
