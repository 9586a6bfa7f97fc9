#include "ssh/keys/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace sallyport::ssh {

Bytes sha256(ByteView bytes) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  return digest;
}

Bytes hmac_sha1(ByteView key, ByteView bytes) {
  Bytes digest(SHA_DIGEST_LENGTH);
  unsigned int length = 0;
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), digest.data(), &length) == nullptr) {
    return {};
  }
  return digest;
}

}  // namespace sallyport::ssh
