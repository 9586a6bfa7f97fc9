// Files that hold secrets: read only when nobody else can read or change them.
#pragma once

#include <cstddef>
#include <string>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::auth {

/// A larger file of passwords or secrets is some other file.
inline constexpr std::size_t kMaxSecretFile = 4 * 1024 * 1024;

/// Reads a regular file that belongs to root or the daemon's user and that nobody else may touch (mode 0600 or less).
/// Blocks: for a thread pool. Errc::not_found when there is none, Errc::unavailable otherwise; the detail names the path.
Result<SecretString> read_secret_file(const std::string& path, std::size_t limit = kMaxSecretFile);

/// Puts a file with this text (mode 0600) in the place of the one that is there, all or nothing, and waits until it is on
/// the disk. Blocks. Errc::unavailable with a detail that names the path.
Result<> replace_secret_file(const std::string& path, const std::string& text);

}  // namespace sallyport::auth
