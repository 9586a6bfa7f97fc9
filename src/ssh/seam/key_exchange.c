// The strict exchange of keys (OpenSSH's PROTOCOL, 1.10). libssh notes that a message came which doesn't belong in the
// first exchange, and looks at its note when NEWKEYS comes, having shown its host key and computed by then. It takes an
// empty name and the beginning of the marker for the marker, and heeds one that comes in a later exchange. Here the
// marker is the whole name, it counts in the first exchange alone, and what doesn't belong there ends the session at
// once: before libssh acts on KEXINIT, or when it has just processed the message, which for those that it lets through
// means that it was dropped.
#include "internals.h"

#include "libssh/crypto.h"
#include "libssh/kex.h"

#include <string.h>

enum { kBroken = SSH_SESSION_FLAG_KEX_STRICT | SSH_SESSION_FLAG_KEX_TAINTED };

static int has_name(const char* list, const char* name) {
  const size_t length = strlen(name);
  while (list != NULL) {
    const char* const comma = strchr(list, ',');
    const size_t size = comma == NULL ? strlen(list) : (size_t)(comma - list);
    if (size == length && memcmp(list, name, length) == 0) return 1;
    list = comma == NULL ? NULL : comma + 1;
  }
  return 0;
}

static int peer_is_strict(ssh_session session) {
  const struct ssh_crypto_struct* const crypto = session->next_crypto;
  return session->server ? has_name(crypto->client_kex.methods[SSH_KEX], "kex-strict-c-v00@openssh.com")
                         : has_name(crypto->server_kex.methods[SSH_KEX], "kex-strict-s-v00@openssh.com");
}

static void end(ssh_session session, const char* what) {
  ssh_set_error(session, SSH_FATAL, "%s", what);
  session->session_state = SSH_SESSION_STATE_ERROR;
}

// Called by libssh with each step of a connection; after KEXINIT before it answers.
static void on_step(ssh_session session) {
  ssh_socket s = session->socket;
  const int is_kexinit = session->session_state == SSH_SESSION_STATE_KEXINIT_RECEIVED;
  if (is_kexinit) {
    const int is_first = session->current_crypto == NULL;
    if (is_first) s->strict = peer_is_strict(session) ? SPSSH_STRICT : SPSSH_NOT_STRICT;
    session->flags &= ~SSH_SESSION_FLAG_KEX_STRICT;
    if (s->strict == SPSSH_STRICT) session->flags |= SSH_SESSION_FLAG_KEX_STRICT;
    if (is_first && s->strict == SPSSH_STRICT && session->recv_seq != 1) {
      end(session, "strict key exchange: KEXINIT was not the first message");
      return;
    }
  }
  // The exchange is over: libssh may begin another from here on.
  if (session->session_state == SSH_SESSION_STATE_DH && session->dh_handshake_state == DH_STATE_FINISHED) {
    spssh_offer_ecdsa_keys(session);
  }
  s->step(session);
  if (is_kexinit && session->session_state == SSH_SESSION_STATE_DH && spssh_choose_ecdsa_key(session) != 0) {
    end(session, "no memory for a host key");
  }
}

void spssh_watch_steps(ssh_session session) {
  ssh_socket s = session->socket;
  if (session->ssh_connection_callback == on_step) return;
  s->step = session->ssh_connection_callback;
  session->ssh_connection_callback = on_step;
}

void spssh_check_exchange(ssh_session session) {
  if ((session->flags & kBroken) != kBroken) return;
  if (session->session_state == SSH_SESSION_STATE_ERROR || session->session_state == SSH_SESSION_STATE_DISCONNECTED) return;
  end(session, "strict key exchange: a message that doesn't belong in the first exchange");
}

enum spssh_strictness spssh_strict_kex(ssh_session session) { return session->socket->strict; }
