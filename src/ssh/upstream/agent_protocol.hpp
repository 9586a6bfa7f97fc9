// The messages of the agent protocol (draft-ietf-sshm-ssh-agent) that a client of an agent needs. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

/// A key that an agent has.
struct AgentIdentity {
  Bytes blob;           ///< the public key, or the certificate, as it stands on the wire
  std::string type;     ///< "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"
  std::string comment;  ///< to be escaped before it is shown
};

namespace agent {

/// The longest message that OpenSSH's agent sends or takes.
inline constexpr std::size_t kMaxMessage = 256 * 1024;
/// Keys beyond so many are not looked at.
inline constexpr std::size_t kMaxIdentities = 1024;

/// Of a signature by an RSA key: which digest (the flags of a sign request).
enum class RsaDigest : std::uint32_t { none = 0, sha256 = 2, sha512 = 4 };
/// The one that goes with the name of a signature algorithm; none for other keys.
RsaDigest digest_for(std::string_view algorithm);

/// A connection that an agent is to sign for, as the server has proved to be at its end (OpenSSH's PROTOCOL.agent, 1).
struct SessionBinding {
  Bytes host_key;
  Bytes session_id;
  Bytes signature;  ///< the host key's over the session's identifier
};

/// Whole messages, with their length in front.
Bytes build_session_bind(const SessionBinding& binding);
Bytes build_list_request();
Bytes build_sign_request(ByteView key_blob, ByteView data, RsaDigest digest);

/// What these parse is a message without its length. Nothing when it is malformed, or says that the agent failed.
std::optional<std::vector<AgentIdentity>> parse_identities(ByteView message);
/// The signature as it stands on the wire.
std::optional<Bytes> parse_signature(ByteView message);

}  // namespace agent
}  // namespace sallyport::ssh
