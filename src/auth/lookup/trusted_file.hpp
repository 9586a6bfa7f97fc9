// Files that say who may log in: read only when nobody else could have written them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/result.hpp>

#include "auth/keys/key_query.hpp"

namespace sallyport::auth {

/// How a file is read.
struct FileTrust {
  bool strict = true;                  ///< false: whoever owns it and may write it
  std::optional<UserAccount> account;  ///< may own it, beside root and the daemon's user
  /// Folders at which the check of the folders above the file ends: that of the configuration, a home. It ends at the
  /// root folder when the file is in none of them.
  std::vector<std::string> boundaries;
  bool as_account = false;  ///< read it with the account's rights when we are root: its owner may lead us anywhere
};

/// Reads a file as sshd's StrictModes would: it and the folders above it belong to root, the daemon or the account, and
/// neither group nor others may write them. What is checked is what is read: symbolic links are resolved first, and none
/// that come later are followed. Errc::not_found when there is no such file, Errc::unavailable when it can't be
/// read or trusted, is no regular file or has more than `limit` bytes. Blocks.
Result<std::string> read_trusted(const std::string& path, std::size_t limit, const FileTrust& trust);

/// Whether a program may be run to say who logs in: Errc::unavailable unless it and the folders above are root's or the daemon's
/// and nobody else may write them. Blocks.
Result<> check_trusted_program(const std::string& path, const FileTrust& trust);

}  // namespace sallyport::auth
