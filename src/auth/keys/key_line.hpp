// One line of a file of keys, taken apart.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

namespace sallyport::auth {

inline constexpr std::size_t kMaxKeyLine = 16 * 1024;

/// The parts of a line, still as text.
struct KeyLine {
  std::string_view options;
  std::string_view type;
  Bytes blob;
  std::string_view comment;
};

/// A line of authorized_keys. Errc::protocol for one that is no key line: too long, of an unknown type, with broken base64 or a
/// blob of another type. `line` is neither empty nor a comment, and as long-lived as the views.
Result<KeyLine> parse_key_line(std::string_view line);

/// A line that begins with the type of a key or certificate, of any type at all. Errc::protocol otherwise.
Result<KeyLine> parse_bare_line(std::string_view line);

/// Where a line's options end: at the first blank outside quotation marks. npos when a quotation mark stays open.
std::size_t end_of_options(std::string_view text);

/// Strict base64 (RFC 4648, 4), with padding.
std::optional<Bytes> decode_base64(std::string_view text);

}  // namespace sallyport::auth
