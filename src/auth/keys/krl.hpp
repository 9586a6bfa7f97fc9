// OpenSSH's key revocation lists (PROTOCOL.krl), as ssh-keygen -k makes them. Pure.
#pragma once

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

#include "auth/keys/certificate.hpp"
#include "auth/keys/public_key.hpp"

namespace sallyport::auth {

/// Whether a file's contents are such a list, by their first bytes.
bool is_krl(ByteView contents);

/// Whether the list revokes the key, or the certificate when there is one (whose key `key` is): by the key, its SHA1 or SHA256
/// hash, or the certificate's serial number or key id under its authority. The list is walked to its end in any case and nothing
/// of it is kept. Errc::protocol when it is malformed or has a critical extension, since nobody knows then what it
/// revokes. As with OpenSSH the serial number 0, which is none, can't be revoked, and a signature isn't looked at: who
/// may write the file may write another.
Result<bool> krl_revokes(ByteView krl, const PublicKey& key, const Certificate* certificate);

}  // namespace sallyport::auth
