// crypt(3): hashes of passwords.
#pragma once

#include <string>
#include <string_view>

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::auth {

/// As with sshd: longer ones are wrong whatever they are.
inline constexpr std::size_t kMaxPassword = 1024;

/// A yescrypt hash with fresh salt, as it stands in a password file. Takes some ten milliseconds. Errc::denied for a
/// password that can't be one (empty, too long, with a zero or a line's end in it), Errc::unavailable when libcrypt won't.
Result<std::string> hash_password(const SecretString& password);

/// Whether libcrypt knows this kind of hash and holds it for strong enough: no DES, no MD5.
bool is_strong_hash(const std::string& hash);

/// Whether the password is the one of the hash. It takes as long for a wrong one. For a thread pool.
bool matches_hash(const SecretString& password, const std::string& hash);

}  // namespace sallyport::auth
