// Is this key one of the user's? OpenSSH's authorized_keys: parsing is pure; the reading of files is apart.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

#include <sallyport/login_grant.hpp>

namespace sallyport::auth {

using WallTime = std::chrono::system_clock::time_point;

inline constexpr std::size_t kMaxKeyLine = 16 * 1024;

/// Who logs in with what.
struct KeyQuery {
  std::string user;    ///< as route::parse_login_name() gave it
  Bytes blob;          ///< the public key as it stands on the wire (RFC 4253, 6.6)
  std::string source;  ///< the client's literal address, without a port
  WallTime now;
};

/// What there is to log about a file or a line that could not be used.
struct KeyWarning {
  std::string file;
  std::size_t line = 0;  ///< 0: the whole file
  std::string reason;
};

struct KeySearch {
  /// Set when the key may log in. Absent: it may not, for now or ever.
  std::optional<LoginGrant> accepted;
  std::vector<KeyWarning> warnings;
};

/// Looks for the key in a file's text. The first line that has it and whose options let it in wins. A line that has
/// the key but an option that is unknown or that we cannot honour is skipped with a warning: it never grants more
/// than its author meant. Pure.
KeySearch search_keys(std::string_view text, std::string_view file, const KeyQuery& query);

/// Does the whole look-up, in the files of `templates` ({user} is filled in), in their order. Blocks: for a thread pool.
/// A file that is not there has no keys. Errc::unavailable when no file had the key and at least one could not be
/// read or trusted (its owner is neither root nor the daemon, others may write it or its folder, it is too large or no regular file):
/// that is no "denied", though both refuse.
Result<KeySearch> find_key(const std::vector<std::string>& templates, std::size_t max_file_size, const KeyQuery& query);

}  // namespace sallyport::auth
