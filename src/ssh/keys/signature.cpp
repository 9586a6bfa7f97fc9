#include "ssh/keys/signature.hpp"

#include <libssh/libssh.h>

#include "ssh/seam/seam.h"

namespace sallyport::ssh {

Bytes sign(const KeyHandle& key, ByteView data, RsaHash hash) {
  ssh_string signature = spssh_sign(key.get(), hash == RsaHash::sha256 ? 1 : 0, data.data(), data.size());
  if (signature == nullptr) return {};
  const auto* const bytes = static_cast<const std::uint8_t*>(ssh_string_data(signature));
  Bytes copy(bytes, bytes + ssh_string_len(signature));
  ssh_string_free(signature);
  return copy;
}

}  // namespace sallyport::ssh
