// Signatures that libssh's public functions don't make: by an agent, over data of our own.
#include "internals.h"

#include "libssh/crypto.h"
#include "libssh/kex.h"
#include "libssh/pki.h"
#include "libssh/pki_priv.h"

#include <string.h>

const uint8_t* spssh_session_id(ssh_session session, size_t* length) {
  const struct ssh_crypto_struct* const crypto = session->current_crypto;
  if (crypto == NULL || crypto->session_id == NULL) return NULL;
  *length = crypto->session_id_len;
  return crypto->session_id;
}

void spssh_keep_host_signature(ssh_session session) {
  ssh_socket s = session->socket;
  const struct ssh_crypto_struct* const crypto = session->next_crypto;
  if (!session->client || s->host_signature != NULL || session->current_crypto != NULL || crypto == NULL) return;
  // Out of memory there is none, and agents are told nothing.
  if (crypto->dh_server_signature != NULL) s->host_signature = ssh_string_copy(crypto->dh_server_signature);
}

const uint8_t* spssh_host_key_signature(ssh_session session, size_t* length) {
  const ssh_string signature = session->socket->host_signature;
  if (signature == NULL) return NULL;
  *length = ssh_string_len(signature);
  return ssh_string_data(signature);
}

int spssh_takes_hostbound(ssh_session session) { return (session->extensions & SSH_EXT_PUBLICKEY_HOSTBOUND) != 0; }

const char* spssh_host_key_algorithm(ssh_session session) {
  return session->current_crypto == NULL ? NULL : session->current_crypto->kex_methods[SSH_HOSTKEYS];
}

const char* spssh_signature_algorithm(ssh_session session, ssh_key key) {
  const enum ssh_keytypes_e type = key->cert != NULL && key->cert_type != SSH_KEYTYPE_UNKNOWN ? key->cert_type : key->type;
  const char* const name = ssh_key_get_signature_algorithm(session, type);
  return name != NULL && ssh_key_algorithm_allowed(session, name) ? name : NULL;
}

enum spssh_sent spssh_send_signed_request(ssh_session session, const uint8_t* payload, size_t length) {
  session->auth.current_method = SSH_AUTH_METHOD_PUBLICKEY;
  session->auth.state = SSH_AUTH_STATE_PUBKEY_AUTH_SENT;
  return spssh_send(session, payload, length, NULL, 0);
}

int spssh_signed_request_outcome(ssh_session session) {
  switch (session->auth.state) {
    case SSH_AUTH_STATE_PUBKEY_AUTH_SENT: return SSH_AUTH_AGAIN;
    case SSH_AUTH_STATE_SUCCESS: return SSH_AUTH_SUCCESS;
    case SSH_AUTH_STATE_PARTIAL: return SSH_AUTH_PARTIAL;
    case SSH_AUTH_STATE_FAILED: return SSH_AUTH_DENIED;
    default: return SSH_AUTH_ERROR;
  }
}

// RSA: SHA-2, whose signatures every server of the last ten years takes.
static enum ssh_digest_e digest_for(ssh_key key) {
  switch (key->type) {
    case SSH_KEYTYPE_RSA: return SSH_DIGEST_SHA512;
    case SSH_KEYTYPE_ECDSA_P256: return SSH_DIGEST_SHA256;
    case SSH_KEYTYPE_ECDSA_P384: return SSH_DIGEST_SHA384;
    case SSH_KEYTYPE_ECDSA_P521: return SSH_DIGEST_SHA512;
    default: return SSH_DIGEST_AUTO;
  }
}

ssh_string spssh_sign(ssh_key key, int sha256, const uint8_t* data, size_t length) {
  ssh_string blob = NULL;
  const enum ssh_digest_e digest = sha256 && key->type == SSH_KEYTYPE_RSA ? SSH_DIGEST_SHA256 : digest_for(key);
  ssh_signature signature = pki_do_sign(key, data, length, digest);
  if (signature == NULL) return NULL;
  if (ssh_pki_export_signature_blob(signature, &blob) != SSH_OK) blob = NULL;
  ssh_signature_free(signature);
  return blob;
}

int spssh_verify(ssh_session session, ssh_key key, const uint8_t* signature, size_t signature_length, const uint8_t* data,
                 size_t length) {
  int good = 0;
  ssh_signature parsed = NULL;
  ssh_string blob = ssh_string_new(signature_length);
  if (blob == NULL) return 0;
  if (ssh_string_fill(blob, signature, signature_length) == 0 && ssh_pki_import_signature_blob(blob, key, &parsed) == SSH_OK) {
    good = parsed->hash_type != SSH_DIGEST_SHA1 && ssh_pki_signature_verify(session, parsed, key, data, length) == SSH_OK;
  }
  ssh_signature_free(parsed);
  ssh_string_free(blob);
  return good;
}
