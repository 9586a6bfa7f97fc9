// Signatures over data of our own: certificates, proofs of host keys.
#pragma once

#include <cstdint>

#include <sallyport/bytes.hpp>

#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

/// What an RSA key signs with; others have one way.
enum class RsaHash : std::uint8_t { sha256, sha512 };

/// A signature by the private key, as it stands on the wire. Empty on failure. Any thread may call it.
Bytes sign(const KeyHandle& key, ByteView data, RsaHash hash = RsaHash::sha512);

}  // namespace sallyport::ssh
