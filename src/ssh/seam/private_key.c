// Where private keys are in memory. OpenSSL keeps RSA and ECDSA keys in memory of its own that is locked, and an
// ed25519 key likewise when it has made or copied it itself, but not when it was given the bytes, as libssh does with a
// file.
#include "internals.h"

#include "libssh/pki.h"

#include <openssl/evp.h>

int spssh_lock_key(ssh_key key) {
  if (ssh_key_type(key) != SSH_KEYTYPE_ED25519 || key->key == NULL) return 0;
  EVP_PKEY* const copy = EVP_PKEY_dup(key->key);
  if (copy == NULL) return -1;
  EVP_PKEY_free(key->key);  // overwrites it
  key->key = copy;
  return 0;
}
