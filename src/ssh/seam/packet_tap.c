// The packet tap: messages 80 to 100 and INFO_RESPONSE come to us and not to libssh, requests for user authentication come
// to both, and messages of ours go out through libssh's framing and encryption.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

enum { kFirst = SSH2_MSG_GLOBAL_REQUEST, kCount = SSH2_MSG_CHANNEL_FAILURE - SSH2_MSG_GLOBAL_REQUEST + 1 };

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

static ssh_packet_callback connection_handlers[kCount] = {
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
    tap_message, tap_message, tap_message, tap_message, tap_message, tap_message, tap_message,
};
static ssh_packet_callback userauth_handlers[1] = {tap_userauth};
static ssh_packet_callback info_response_handlers[1] = {tap_info_response};

void spssh_install_tap(ssh_socket s) {
  s->connection_tap.start = kFirst;
  s->connection_tap.n_callbacks = kCount;
  s->connection_tap.callbacks = connection_handlers;
  s->connection_tap.user = s;
  s->userauth_tap.start = SSH2_MSG_USERAUTH_REQUEST;
  s->userauth_tap.n_callbacks = 1;
  s->userauth_tap.callbacks = userauth_handlers;
  s->userauth_tap.user = s;
  s->info_response_tap.start = SSH2_MSG_USERAUTH_INFO_RESPONSE;
  s->info_response_tap.n_callbacks = 1;
  s->info_response_tap.callbacks = info_response_handlers;
  s->info_response_tap.user = s;
  // libssh appends its own table when the peer's identification has come, so that ours are first.
  ssh_packet_set_callbacks(s->session, &s->connection_tap);
  ssh_packet_set_callbacks(s->session, &s->userauth_tap);
  ssh_packet_set_callbacks(s->session, &s->info_response_tap);
}

// The header is prepended: without five bytes of headroom libssh would move the whole payload.
static int fill(ssh_buffer buffer, const uint8_t* head, size_t head_length, const uint8_t* tail, size_t tail_length) {
  static const uint8_t headroom[5];
  const size_t trailer = 64 + 32;  // padding and MAC
  if (ssh_buffer_allocate_size(buffer, (uint32_t)(sizeof headroom + head_length + tail_length + trailer)) < 0)
    return -1;
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

enum spssh_sent spssh_send(ssh_session session, const uint8_t* head, size_t head_length, const uint8_t* tail,
                           size_t tail_length) {
  if (head_length == 0 || head_length + tail_length > MAX_PACKET_LEN || spssh_phase(session) == SPSSH_DEAD) {
    return SPSSH_FAILED;
  }
  switch (spssh_send_in_place(session, head, head_length, tail, tail_length)) {
    case SPSSH_DONE:
      return SPSSH_SENT;
    case SPSSH_LOST:
      return give_up(session);
    case SPSSH_NOT_HERE:
      break;
  }
  // While keys are exchanged libssh queues the buffer itself and makes another: it is looked up each time.
  if (fill(session->out_buffer, head, head_length, tail, tail_length) < 0) {
    ssh_buffer_reinit(session->out_buffer);
    return SPSSH_FAILED;
  }
  const struct ssh_iterator* const last = session->out_queue->end;
  if (ssh_packet_send(session) == SSH_ERROR) return give_up(session);
  return session->out_queue->end != NULL && session->out_queue->end != last ? SPSSH_QUEUED : SPSSH_SENT;
}

size_t spssh_queued(ssh_session session) {
  size_t bytes = 0;
  const struct ssh_iterator* it = session->out_queue->root;
  for (; it != NULL; it = it->next) bytes += ssh_buffer_get_len((ssh_buffer)it->data);
  return bytes;
}

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
    case SSH_SESSION_STATE_DISCONNECTED:
      return SPSSH_DEAD;
    default:
      break;
  }
  if (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) return SPSSH_READY;
  return session->session_state == SSH_SESSION_STATE_AUTHENTICATING ? SPSSH_AUTHENTICATING : SPSSH_HANDSHAKE;
}

int spssh_in_rekey(ssh_session session) {
  return (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) && session->dh_handshake_state != DH_STATE_FINISHED;
}

uint32_t spssh_last_packet_length(ssh_session session) { return session->in_packet.len; }

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
