// Several ECDSA host keys. libssh has room for one: it offers what that key calls its type, and shows and signs with
// that key whatever curve was agreed on. Here the key bears the names of all between exchanges, and once KEXINIT has
// been answered the right one stands in its place.
#include "internals.h"

#include "libssh/pki.h"

#include <stdlib.h>
#include <string.h>

// libssh joins the names of all host keys in 128 bytes; with these, and those of an ed25519 and an RSA key, it has 105.
enum { kCurves = 3, kLongestNames = kCurves * sizeof "ecdsa-sha2-nistp256" };

struct spssh_ecdsa_keys {
  ssh_key keys[kCurves];  // they share what OpenSSL holds with those that they are copies of
  char names[kLongestNames];
};

// Puts a copy there; the session frees it. Returns 0, or -1 when out of memory.
static int put(ssh_session session, ssh_key key) {
  ssh_key copy = ssh_key_dup(key);
  if (copy == NULL) return -1;
  ssh_key_free(session->srv.ecdsa_key);
  session->srv.ecdsa_key = copy;
  return 0;
}

static void offer_all(ssh_session session) {
  // A constant as far as libssh is concerned, which frees it no more than its own.
  if (session->srv.ecdsa_key != NULL) session->srv.ecdsa_key->type_c = session->socket->ecdsa->names;
}

int spssh_add_ecdsa_key(ssh_session session, ssh_key key) {
  ssh_socket s = session->socket;
  const char* const name = ssh_key_type_to_char(ssh_key_type(key));
  if (s->ecdsa == NULL) s->ecdsa = calloc(1, sizeof *s->ecdsa);
  if (s->ecdsa == NULL) return -1;
  const size_t used = strlen(s->ecdsa->names);
  if (used + 1 + strlen(name) >= sizeof s->ecdsa->names) return -1;
  for (size_t i = 0; i < kCurves; ++i) {
    if (s->ecdsa->keys[i] != NULL) continue;
    s->ecdsa->keys[i] = ssh_key_dup(key);
    if (s->ecdsa->keys[i] == NULL || (session->srv.ecdsa_key == NULL && put(session, key) != 0)) return -1;
    if (used > 0) strcat(s->ecdsa->names, ",");
    strcat(s->ecdsa->names, name);
    offer_all(session);
    return 0;
  }
  return -1;
}

void spssh_free_ecdsa_keys(struct spssh_ecdsa_keys* ecdsa) {
  if (ecdsa == NULL) return;
  for (size_t i = 0; i < kCurves; ++i) ssh_key_free(ecdsa->keys[i]);
  free(ecdsa);
}

int spssh_choose_ecdsa_key(ssh_session session) {
  const struct spssh_ecdsa_keys* const ecdsa = session->socket->ecdsa;
  if (ecdsa == NULL) return 0;
  for (size_t i = 0; i < kCurves; ++i) {
    if (ecdsa->keys[i] != NULL && ssh_key_type(ecdsa->keys[i]) == session->srv.hostkey) return put(session, ecdsa->keys[i]);
  }
  return 0;  // it is no ECDSA key
}

void spssh_offer_ecdsa_keys(ssh_session session) {
  if (session->socket->ecdsa != NULL) offer_all(session);
}
