// Private keys in files.
#pragma once

#include <cstddef>
#include <string>

#include <sallyport/result.hpp>

#include "ssh/handles.hpp"

namespace sallyport::ssh {

/// The whole text of a regular file of at most `limit` bytes. Errc::not_found, io or limit. Blocks.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Loads a private key without a passphrase; Errc::not_found when there is no such file, Errc::config when it can't be
/// used: encrypted, no private key, or ours and readable for others. Blocks.
Result<KeyHandle> load_private_key(const std::string& path);

/// Puts the certificate FILE-cert.pub beside `path`, if there is one, into `with_certificate`, a copy of `key`. A null
/// handle when there is none. Errc::config when it can't be used or isn't this key's. Blocks.
Result<KeyHandle> load_certificate(const std::string& path, const KeyHandle& key);

}  // namespace sallyport::ssh
