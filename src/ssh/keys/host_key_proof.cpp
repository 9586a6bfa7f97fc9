#include "ssh/keys/host_key_proof.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/handles.hpp"
#include "ssh/keys/signature.hpp"
#include "ssh/seam/seam.h"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::string_view kProve = "hostkeys-prove-00@openssh.com";

/// Null for a certificate, or a type that we don't know.
KeyHandle parse_key(ByteView blob) {
  wire::Reader reader(blob);
  const std::string type(reader.text());
  const auto kind = reader.ok() ? ssh_key_type_from_name(type.c_str()) : SSH_KEYTYPE_UNKNOWN;
  ssh_key key = nullptr;
  if (kind == SSH_KEYTYPE_UNKNOWN || type.find("-cert-") != std::string::npos ||
      ssh_pki_import_pubkey_base64(base64_encode(blob).c_str(), kind, &key) != SSH_OK)
    return nullptr;
  return KeyHandle{key};
}

}  // namespace

std::vector<Bytes> parse_host_keys(ByteView fields) {
  wire::Reader reader(fields);
  std::vector<Bytes> keys;
  for (std::size_t count = 0; !reader.rest().empty(); ++count) {
    const ByteView field = reader.string();
    if (!reader.ok() || count == kMaxHostKeys) return {};
    const Bytes blob(field.begin(), field.end());
    if (std::find(keys.begin(), keys.end(), blob) != keys.end()) return {};
    if (parse_key(blob)) keys.push_back(blob);
  }
  return keys;
}

Bytes build_proof_request(const std::vector<Bytes>& keys) {
  wire::Writer out;
  for (const Bytes& key : keys) out.string(key);
  return out.take();
}

Bytes build_announcement(const HostKeys& keys) {
  wire::Writer out;
  for (const HostKey& key : keys.keys()) out.string(public_blob_of(key.key.get()));
  return out.take();
}

std::optional<Bytes> build_proofs(const HostKeys& keys, ByteView fields, ByteView session_id, std::string_view algorithm) {
  const RsaHash hash = algorithm == "rsa-sha2-256" ? RsaHash::sha256 : RsaHash::sha512;
  wire::Reader reader(fields);
  wire::Writer out;
  for (std::size_t count = 0; !reader.rest().empty(); ++count) {
    const ByteView blob = reader.string();
    const auto named = std::find_if(keys.keys().begin(), keys.keys().end(), [&](const HostKey& key) {
      const Bytes ours = public_blob_of(key.key.get());
      return std::equal(ours.begin(), ours.end(), blob.begin(), blob.end());
    });
    if (!reader.ok() || count == kMaxHostKeys || named == keys.keys().end()) return std::nullopt;
    const Bytes data = wire::Writer().string(kProve).string(session_id).string(blob).take();
    const Bytes signature = sign(named->key, data, hash);
    if (signature.empty()) return std::nullopt;
    out.string(signature);
  }
  return out.take();
}

bool proves(ByteView answer, const std::vector<Bytes>& keys, ByteView session_id) {
  auto scratch = new_session();  // libssh wants one for its smallest RSA key
  if (!scratch || session_id.empty()) return false;
  wire::Reader reader(answer);
  for (const Bytes& blob : keys) {
    const ByteView signature = reader.string();
    const KeyHandle key = parse_key(blob);
    if (!reader.ok() || !key) return false;
    const Bytes data = wire::Writer().string(kProve).string(session_id).string(blob).take();
    if (spssh_verify(scratch->get(), key.get(), signature.data(), signature.size(), data.data(), data.size()) == 0) return false;
  }
  return reader.at_end();
}

}  // namespace sallyport::ssh
