// The packet tap: messages 80 to 100 and INFO_RESPONSE come to us and not to libssh, requests for user authentication
// come to both, messages of an exchange of keys come to libssh when we say so, and messages of ours go out through
// libssh's framing and encryption.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

enum { kFirst = SSH2_MSG_GLOBAL_REQUEST, kCount = SSH2_MSG_CHANNEL_FAILURE - SSH2_MSG_GLOBAL_REQUEST + 1 };
enum { kFirstOfExchange = SSH2_MSG_KEXINIT, kCountOfExchange = SSH2_MSG_KEX_DH_GEX_REQUEST - SSH2_MSG_KEXINIT + 1 };

// libssh has read the type byte already; it still stands in front of what the buffer shows.
static const uint8_t* payload_of(ssh_buffer packet, size_t* length) {
  *length = (size_t)ssh_buffer_get_len(packet) + 1;
  return (const uint8_t*)ssh_buffer_get(packet) - 1;
}

static SSH_PACKET_CALLBACK(tap_message) {
  ssh_socket s = user;
  (void)session;
  (void)type;
  if (s->owner != NULL) {
    // A message that is nothing but its type leaves the buffer empty, and then libssh moves its start.
    size_t length = 0;
    if (ssh_buffer_get_len(packet) == 0) {
      s->events->message(s->owner, &type, 1);
    } else {
      const uint8_t* payload = payload_of(packet, &length);
      s->events->message(s->owner, payload, length);
    }
  }
  return SSH_PACKET_USED;
}

static SSH_PACKET_CALLBACK(tap_userauth) {
  ssh_socket s = user;
  (void)session;
  int wanted = 1;
  if (s->owner != NULL) {
    size_t length = 0;
    if (ssh_buffer_get_len(packet) == 0) {
      wanted = s->events->userauth_request(s->owner, &type, 1);
    } else {
      const uint8_t* payload = payload_of(packet, &length);
      wanted = s->events->userauth_request(s->owner, payload, length);
    }
  }
  return wanted ? SSH_PACKET_NOT_USED : SSH_PACKET_USED;
}

static SSH_PACKET_CALLBACK(tap_info_response) {
  ssh_socket s = user;
  if (session->client) {
    // libssh would take a server's, make room for as many answers as that has, and write ours there.
    ssh_set_error(session, SSH_FATAL, "INFO_RESPONSE from a server");
    session->session_state = SSH_SESSION_STATE_ERROR;
    return SSH_PACKET_USED;
  }
  if (s->owner != NULL) {
    size_t length = 0;
    if (ssh_buffer_get_len(packet) == 0) {
      s->events->info_response(s->owner, &type, 1);
    } else {
      const uint8_t* payload = payload_of(packet, &length);
      s->events->info_response(s->owner, payload, length);
    }
  }
  return SSH_PACKET_USED;
}

// Once somebody is logged in there is no service to ask for. libssh would keep each request in a queue that nobody
// reads; the answer is that of OpenSSH's server.
static SSH_PACKET_CALLBACK(tap_service) {
  (void)user;
  (void)type;
  (void)packet;
  if ((session->flags & SSH_SESSION_FLAG_AUTHENTICATED) == 0) return SSH_PACKET_NOT_USED;
  ssh_packet_send_unimplemented(session, session->recv_seq - 1);
  return SSH_PACKET_USED;
}

// What it costs to answer is for another thread. The packet stays where it is, and is the last one that is fed.
static SSH_PACKET_CALLBACK(tap_exchange) {
  ssh_socket s = user;
  (void)session;
  (void)packet;
  if (!s->takes_exchanges || s->taken != 0 || s->owner == NULL) return SSH_PACKET_NOT_USED;
  s->taken = type;
  s->events->exchange(s->owner);
  return SSH_PACKET_USED;
}

void spssh_take_exchanges(ssh_session session) { session->socket->takes_exchanges = 1; }

void spssh_work_off(ssh_session session) {
  ssh_socket s = session->socket;
  const uint8_t type = s->taken;
  if (type == 0) return;
  ssh_packet_process(session, type);  // the tap lets it pass, as taken is set
  s->taken = 0;
}

static ssh_packet_callback service_handlers[2] = {tap_service, tap_service};
static ssh_packet_callback exchange_handlers[kCountOfExchange] = {
    tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange,
    tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange, tap_exchange,
};
static ssh_packet_callback connection_handlers[kCount] = {
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
};
static ssh_packet_callback userauth_handlers[1] = {tap_userauth};
static ssh_packet_callback info_response_handlers[1] = {tap_info_response};

// libssh appends its own table when the peer's identification has come, so that ours are first.
static void install(ssh_socket s, struct ssh_packet_callbacks_struct* tap, uint8_t start, uint8_t count,
                    ssh_packet_callback* handlers) {
  tap->start = start;
  tap->n_callbacks = count;
  tap->callbacks = handlers;
  tap->user = s;
  ssh_packet_set_callbacks(s->session, tap);
}

void spssh_install_tap(ssh_socket s) {
  // The most frequent one first.
  install(s, &s->connection_tap, kFirst, kCount, connection_handlers);
  install(s, &s->userauth_tap, SSH2_MSG_USERAUTH_REQUEST, 1, userauth_handlers);
  install(s, &s->info_response_tap, SSH2_MSG_USERAUTH_INFO_RESPONSE, 1, info_response_handlers);
  install(s, &s->service_tap, SSH2_MSG_SERVICE_REQUEST, 2, service_handlers);
  install(s, &s->exchange_tap, kFirstOfExchange, kCountOfExchange, exchange_handlers);
}

// The header is prepended: without five bytes of headroom libssh would move the whole payload.
static int fill(ssh_buffer buffer, const uint8_t* head, size_t head_length, const uint8_t* tail, size_t tail_length) {
  static const uint8_t headroom[5];
  const size_t trailer = 64 + 32;  // padding and MAC
  if (ssh_buffer_allocate_size(buffer, (uint32_t)(sizeof headroom + head_length + tail_length + trailer)) < 0) return -1;
  if (ssh_buffer_add_data(buffer, headroom, sizeof headroom) < 0) return -1;
  if (ssh_buffer_add_data(buffer, head, (uint32_t)head_length) < 0) return -1;
  if (tail_length > 0 && ssh_buffer_add_data(buffer, tail, (uint32_t)tail_length) < 0) return -1;
  return ssh_buffer_pass_bytes(buffer, sizeof headroom) == sizeof headroom ? 0 : -1;
}

// libssh doesn't always note that it is dead; half a packet may be in its buffer.
static enum spssh_sent give_up(ssh_session session) {
  session->session_state = SSH_SESSION_STATE_ERROR;
  return SPSSH_FAILED;
}

// As ssh_packet_in_rekey() has it: from our KEXINIT to our NEWKEYS, and not the messages of the transport itself.
static int holds_back(ssh_session session, uint8_t type) {
  return type >= SSH2_MSG_USERAUTH_REQUEST && spssh_in_rekey(session) && session->dh_handshake_state != DH_STATE_NEWKEYS_SENT;
}

enum spssh_sent spssh_send(ssh_session session, const uint8_t* head, size_t head_length, const uint8_t* tail,
                           size_t tail_length) {
  if (head_length == 0 || head_length + tail_length > MAX_PACKET_LEN || spssh_phase(session) == SPSSH_DEAD) {
    return SPSSH_FAILED;
  }
  switch (spssh_send_in_place(session, head, head_length, tail, tail_length)) {
    case SPSSH_DONE: return SPSSH_SENT;
    case SPSSH_LOST: return give_up(session);
    case SPSSH_NOT_HERE: break;
  }
  // While keys are exchanged it waits with the owner, who knows what it costs. libssh queues the one alone that makes
  // it begin an exchange: the buffer itself, and makes another, which is looked up each time.
  if (holds_back(session, head[0])) return SPSSH_WAITS;
  if (fill(session->out_buffer, head, head_length, tail, tail_length) < 0) {
    ssh_buffer_reinit(session->out_buffer);
    return SPSSH_FAILED;
  }
  if (ssh_packet_send(session) == SSH_ERROR) return give_up(session);
  return session->out_queue->root != NULL ? SPSSH_QUEUED : SPSSH_SENT;
}

int spssh_has_queued(ssh_session session) { return session->out_queue->root != NULL; }

ssh_message spssh_next_message(ssh_session session) { return ssh_message_pop_head(session); }

int spssh_signature_valid(ssh_message message) {
  return message->type == SSH_REQUEST_AUTH && message->auth_request.method == SSH_AUTH_METHOD_PUBLICKEY &&
         message->auth_request.signature_state == SSH_PUBLICKEY_STATE_VALID;
}

void spssh_expect_info_response(ssh_session session, int expected) {
  session->auth.state = expected ? SSH_AUTH_STATE_INFO : SSH_AUTH_STATE_NONE;
}

void spssh_wipe_input(ssh_session session) {
  if (session->in_buffer != NULL) ssh_buffer_set_secure(session->in_buffer);
}

void spssh_forget_packet(ssh_session session) {
  // As libssh itself does before it reads the next one. A packet whose length has been read is still in it.
  if (session->packet_state == PACKET_STATE_INIT && session->in_buffer != NULL) ssh_buffer_reinit(session->in_buffer);
}

enum spssh_phase spssh_phase(ssh_session session) {
  switch (session->session_state) {
    case SSH_SESSION_STATE_ERROR:
    case SSH_SESSION_STATE_DISCONNECTED: return SPSSH_DEAD;
    default: break;
  }
  if (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) return SPSSH_READY;
  return session->session_state == SSH_SESSION_STATE_AUTHENTICATING ? SPSSH_AUTHENTICATING : SPSSH_HANDSHAKE;
}

int spssh_in_rekey(ssh_session session) {
  return (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) && session->dh_handshake_state != DH_STATE_FINISHED;
}

uint32_t spssh_last_packet_length(ssh_session session) { return session->in_packet.len; }

uint8_t spssh_last_packet_type(ssh_session session) { return session->in_packet.type; }

void spssh_trim(ssh_session session) {
  ssh_buffer fresh = NULL;
  // libssh makes a new in_buffer when there is none. A packet whose length has been read is still in it.
  if (session->packet_state == PACKET_STATE_INIT) SSH_BUFFER_FREE(session->in_buffer);
  if (ssh_buffer_get_len(session->out_buffer) != 0) return;
  fresh = ssh_buffer_new();
  if (fresh == NULL) return;
  SSH_BUFFER_FREE(session->out_buffer);
  session->out_buffer = fresh;
}
