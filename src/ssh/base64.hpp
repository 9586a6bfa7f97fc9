// Base 64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <sallyport/bytes.hpp>
#include <string>
#include <string_view>

namespace sallyport::ssh {

std::string base64_encode(ByteView bytes);

/// Nothing when the text isn't base 64 with its padding.
std::optional<Bytes> base64_decode(std::string_view text);

}  // namespace sallyport::ssh
