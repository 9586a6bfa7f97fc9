// Files that list bare keys: authorities that are trusted, keys that are revoked. Pure.
#pragma once

#include <string_view>

#include <sallyport/result.hpp>

#include "auth/keys/certificate.hpp"
#include "auth/keys/key_query.hpp"
#include "auth/keys/public_key.hpp"

namespace sallyport::auth {

/// Whether a line of `text`, a file of trusted_user_ca_keys, is that key. What can't be read is skipped with a warning.
bool lists_key(std::string_view text, std::string_view file, const PublicKey& key, KeyWarnings& warnings);

/// Whether `contents`, a file of revoked_keys, revoke the key or its certificate: a key revocation list, or keys and
/// certificates line by line, of which a certificate stands for its key. Errc::protocol when it has a part that can't be
/// read, since that may be what revokes the key.
Result<bool> revokes(std::string_view contents, const PublicKey& key, const Certificate* certificate);

}  // namespace sallyport::auth
