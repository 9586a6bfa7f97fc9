// Where somebody may come from: lists of patterns and networks in a key's or a certificate's options. Pure.
#pragma once

#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::auth {

/// `from="…"` of authorized_keys: patterns and networks, the first "!" that matches keeps out. Errc::denied when `source`, a
/// literal address, is kept out; Errc::unavailable when the list can't be read. Names never match, since an address's name
/// is what its owner says; a negated name would so let everybody in, and makes the list unreadable.
Result<> check_source(std::string_view list, std::string_view source);

/// A certificate's `source-address`: addresses and networks alone. Errc::denied also when the list can't be read.
Result<> check_source_networks(std::string_view list, std::string_view source);

}  // namespace sallyport::auth
