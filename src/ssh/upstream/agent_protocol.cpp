#include "ssh/upstream/agent_protocol.hpp"

#include "wire/encoding.hpp"

namespace sallyport::ssh::agent {
namespace {

// draft-ietf-sshm-ssh-agent, 6.1.
constexpr std::uint8_t kRequestIdentities = 11;
constexpr std::uint8_t kIdentitiesAnswer = 12;
constexpr std::uint8_t kSignRequest = 13;
constexpr std::uint8_t kSignResponse = 14;
constexpr std::uint8_t kExtension = 27;

Bytes with_length(Bytes message) { return wire::Writer().string(message).take(); }

}  // namespace

RsaDigest digest_for(std::string_view algorithm) {
  if (algorithm.starts_with("rsa-sha2-512")) return RsaDigest::sha512;
  if (algorithm.starts_with("rsa-sha2-256")) return RsaDigest::sha256;
  return RsaDigest::none;
}

Bytes build_session_bind(const SessionBinding& binding) {
  return with_length(wire::Writer()
                         .byte(kExtension)
                         .string("session-bind@openssh.com")
                         .string(binding.host_key)
                         .string(binding.session_id)
                         .string(binding.signature)
                         .boolean(false)  // for a login there, not for an agent's way on
                         .take());
}

Bytes build_list_request() { return with_length({kRequestIdentities}); }

Bytes build_sign_request(ByteView key_blob, ByteView data, RsaDigest digest) {
  return with_length(
      wire::Writer().byte(kSignRequest).string(key_blob).string(data).uint32(static_cast<std::uint32_t>(digest)).take());
}

std::optional<std::vector<AgentIdentity>> parse_identities(ByteView message) {
  wire::Reader reader(message);
  if (reader.byte() != kIdentitiesAnswer) return std::nullopt;
  const std::uint32_t count = reader.uint32();
  std::vector<AgentIdentity> identities;
  for (std::uint32_t i = 0; i < count && reader.ok() && identities.size() < kMaxIdentities; ++i) {
    AgentIdentity identity;
    const ByteView blob = reader.string();
    identity.blob.assign(blob.begin(), blob.end());
    identity.comment = reader.text();
    wire::Reader key(identity.blob);
    identity.type = key.text();
    // What can't be a key is left out; the rest of the list is as good as ever.
    if (key.ok() && !identity.type.empty()) identities.push_back(std::move(identity));
  }
  if (!reader.ok()) return std::nullopt;
  return identities;
}

std::optional<Bytes> parse_signature(ByteView message) {
  wire::Reader reader(message);
  if (reader.byte() != kSignResponse) return std::nullopt;
  const ByteView signature = reader.string();
  if (!reader.at_end() || signature.empty()) return std::nullopt;
  return Bytes(signature.begin(), signature.end());
}

}  // namespace sallyport::ssh::agent
