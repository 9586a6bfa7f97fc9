// What it costs to verify a signature, before anybody knows whether the key is one that counts here.
#pragma once

#include <cstddef>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

/// RSA keys up to this size are verified for anybody: some 0.3 ms, no more than other kinds of keys take.
inline constexpr std::size_t kCheapRsaBits = 8192;
/// Every tool takes 65537 or less; with a long one a small key takes as long as the largest.
inline constexpr std::size_t kCheapRsaExponentBits = 32;

/// Whether a stranger must not have us verify a signature by this key (or certificate), as it stands on the wire.
bool is_costly_to_verify(ByteView key_blob);

}  // namespace sallyport::ssh
