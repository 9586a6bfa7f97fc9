// Base 64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

std::string base64_encode(ByteView bytes);

/// Nothing when the text isn't base 64 with its padding.
std::optional<Bytes> base64_decode(std::string_view text);

}  // namespace sallyport::ssh
