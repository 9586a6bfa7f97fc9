// OpenSSH's way to tell and prove further host keys (PROTOCOL, 2.5): hostkeys-00@openssh.com and hostkeys-prove-00@openssh.com.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>

#include "ssh/keys/host_keys.hpp"

namespace sallyport::ssh {

/// A server has a handful; one that tells more is not believed.
inline constexpr std::size_t kMaxHostKeys = 32;

/// The fields of hostkeys-00: the keys, but for those of types that we don't know. Empty when they are malformed, too many, or
/// there is one twice.
std::vector<Bytes> parse_host_keys(ByteView fields);

/// The fields of hostkeys-prove-00 that ask for proof of these keys.
Bytes build_proof_request(const std::vector<Bytes>& keys);

/// Whether the answer's fields prove that the server of the connection with that session identifier has each of the keys.
bool proves(ByteView answer, const std::vector<Bytes>& keys, ByteView session_id);

/// The fields of hostkeys-00 for clients of ours.
Bytes build_announcement(const HostKeys& keys);

/// The answer to the fields of a client's hostkeys-prove-00: a signature by each key that it names, in their order. An RSA key
/// signs by `algorithm` where that is one of RSA's, since OpenSSH wants that of the exchange again, and else with SHA-512.
/// Nothing when the fields are malformed or too many, or name a key that we don't have.
std::optional<Bytes> build_proofs(const HostKeys& keys, ByteView fields, ByteView session_id, std::string_view algorithm);

}  // namespace sallyport::ssh
