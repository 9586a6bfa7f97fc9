// One line of authorized_keys, taken apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

#include "auth/authorized_keys.hpp"

namespace sallyport::auth {

/// The parts of a line, still as text.
struct KeyLine {
  std::string_view options;
  std::string_view type;
  Bytes blob;
  std::string_view comment;
};

/// Errc::protocol for a line that is no key line: unknown type, broken base64, a blob of another type. `line` is
/// neither empty nor a comment. The views are as long-lived as `line`.
Result<KeyLine> parse_key_line(std::string_view line);

/// Strict base64 (RFC 4648, 4), with padding.
std::optional<Bytes> decode_base64(std::string_view text);

/// Applies `text`, the options of a line, for somebody from `source` at `now`. Errc::denied when they keep the client
/// out, Errc::unavailable when there is one that we do not understand or cannot honour.
Result<LoginGrant> read_key_options(std::string_view text, const KeyQuery& query);

/// The time that `expiry-time` names: YYYYMMDD or YYYYMMDDHHMM[SS], local time unless a Z follows.
std::optional<WallTime> parse_expiry_time(std::string_view text);

}  // namespace sallyport::auth
