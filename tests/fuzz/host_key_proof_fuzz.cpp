// What a target tells of its host keys, the proof that it gives, and a client's request for one: nothing may crash, what is read
// is no more than what came, and nothing that isn't a signature is a proof.
#include <libssh/libssh.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "ssh/keys/handles.hpp"
#include "ssh/keys/host_key_proof.hpp"

namespace {

using namespace sallyport;

/// Keys of each kind; the private halves are gone, so that nobody can prove to have them.
std::vector<Bytes> make_keys() {
  ssh::ensure_libssh();
  std::vector<Bytes> blobs;
  for (const auto type : {SSH_KEYTYPE_ED25519, SSH_KEYTYPE_ECDSA_P256, SSH_KEYTYPE_RSA}) {
    ssh_key key = nullptr;
    if (ssh_pki_generate_key(type, nullptr, &key) != SSH_OK) std::abort();
    blobs.push_back(ssh::public_blob_of(ssh::KeyHandle{key}.get()));
  }
  return blobs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Bytes> keys = make_keys();
  static const Bytes session_id(32, 7);
  if (size == 0) return 0;
  const ByteView fields(data + 1, size - 1);
  const std::vector<Bytes> told = ssh::parse_host_keys(fields);
  if (told.size() > ssh::kMaxHostKeys) std::abort();
  std::size_t read = 0;
  for (const Bytes& key : told) {
    read += key.size() + sizeof(std::uint32_t);
    if (std::count(told.begin(), told.end(), key) != 1) std::abort();
  }
  if (read > fields.size()) std::abort();
  const std::vector<Bytes> wanted{keys[data[0] % keys.size()]};
  if (ssh::proves(fields, wanted, session_id)) std::abort();
  if (!told.empty()) static_cast<void>(ssh::proves(fields, told, session_id));
  if (ssh::build_proofs(ssh::HostKeys{}, fields, session_id, "rsa-sha2-256") && !fields.empty()) std::abort();
  return 0;
}
