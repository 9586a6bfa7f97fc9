// Which addresses count as one source of connections.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/config.hpp>

namespace sallyport::auth {

/// The block that a literal address belongs to, "10.0.0.1/32" or "fd00:1::/64", as long as `limits` say. An address that can't
/// be read is a block of its own, "unknown", so that it is counted too.
std::string source_block(std::string_view address, const Limits& limits);

}  // namespace sallyport::auth
