// Our own implementation of libssh/socket.h: libuv owns the descriptor, libssh sees a pipe in memory. libssh's own reads
// 4 KiB at a time, sets the descriptor blocking, treats EAGAIN as the death of the connection.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

int proxy_disconnect = 0;  // libssh's ssh_disconnect() sets it for proxy jumps, which we don't have

int ssh_socket_init(void) {
  ssh_poll_init();
  return 0;
}

void ssh_socket_cleanup(void) { ssh_poll_cleanup(); }

ssh_socket ssh_socket_new(ssh_session session) {
  ssh_socket s = calloc(1, sizeof *s);
  if (s == NULL) {
    ssh_set_error_oom(session);
    return NULL;
  }
  s->session = session;
  return s;
}

void ssh_socket_reset(ssh_socket s) { s->open = 0; }

void ssh_socket_free(ssh_socket s) {
  if (s == NULL) return;
  if (s->poll_handle != NULL) ssh_poll_free(s->poll_handle);
  free(s->identification);
  spssh_free_ecdsa_keys(s->ecdsa);
  ssh_string_free(s->host_signature);
  free(s);
}

void ssh_socket_close(ssh_socket s) { s->open = 0; }

int ssh_socket_is_open(ssh_socket s) { return s->open; }

void ssh_socket_set_callbacks(ssh_socket s, ssh_socket_callbacks callbacks) { s->callbacks = callbacks; }

// The server role: ssh_bind_accept_fd() calls this with the descriptor that it was given; ours isn't one.
int ssh_socket_set_fd(ssh_socket s, socket_t fd) {
  (void)fd;
  s->open = 1;
  return SSH_OK;
}

void ssh_socket_set_connected(ssh_socket s, struct ssh_poll_handle_struct* p) {
  (void)p;
  s->open = 1;
}

// The client role: ssh_connect() believes that it connects here; the owner has done so long before.
int ssh_socket_connect(ssh_socket s, const char* host, uint16_t port, const char* bind_addr) {
  (void)host;
  (void)port;
  (void)bind_addr;
  s->open = 1;
  if (s->callbacks == NULL || s->callbacks->connected == NULL) return SSH_ERROR;
  s->callbacks->connected(SSH_SOCKET_CONNECTED_OK, 0, s->callbacks->userdata);
  return SSH_OK;
}

static void emit(ssh_socket s, const void* data, size_t length) {
  if (s->owner != NULL) s->events->output(s->owner, data, length);
}

// The client's identification is fixed when libssh is compiled. ssh_send_banner() notes it, as the exchange hash needs
// it, and writes it: both are put right here.
static int write_identification(ssh_socket s) {
  char* copy = strdup(s->identification);
  if (copy == NULL) {
    ssh_set_error_oom(s->session);
    return SSH_ERROR;
  }
  free(s->session->clientbanner);
  s->session->clientbanner = copy;
  emit(s, copy, strlen(copy));
  emit(s, "\r\n", 2);
  return SSH_OK;
}

int ssh_socket_write(ssh_socket s, const void* buffer, uint32_t len) {
  if (!s->open) {
    s->session->alive = 0;
    ssh_set_error(s->session, SSH_FATAL, "Writing packet: connection closed");
    return SSH_ERROR;
  }
  if (s->session->client && s->identification != NULL && s->session->session_state == SSH_SESSION_STATE_SOCKET_CONNECTED) {
    return write_identification(s);
  }
  emit(s, buffer, len);
  return SSH_OK;
}

// This and what follows is ours. That it stands in this file makes the linker take the file.
int spssh_attach(ssh_session session, const struct spssh_events* events, void* owner, const char* identification) {
  ssh_socket s = session->socket;
  if (identification != NULL) {
    s->identification = strdup(identification);
    if (s->identification == NULL) return -1;
  }
  s->events = events;
  s->owner = owner;
  spssh_install_tap(s);
  return session->packet_callbacks != NULL ? 0 : -1;
}

void spssh_detach(ssh_session session) {
  if (session->socket != NULL) session->socket->owner = NULL;
}

void spssh_move(ssh_session session, const struct spssh_events* events, void* owner) {
  session->socket->events = events;
  session->socket->owner = owner;
}

// What a server takes for one packet of a stranger's. RFC 4253, 6.1 wants 35000 bytes.
enum { kLongestBeforeLogin = 36 * 1024 };

static void check_length(ssh_session session) {
  if (session->client || (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) != 0) return;
  if (session->packet_state != PACKET_STATE_SIZEREAD || session->in_packet.len <= kLongestBeforeLogin) return;
  ssh_set_error(session, SSH_FATAL, "a packet of %u bytes before the login", session->in_packet.len);
  session->session_state = SSH_SESSION_STATE_ERROR;
}

size_t spssh_feed(ssh_session session, uint8_t* data, size_t length) {
  ssh_socket s = session->socket;
  // The reader changes once the identification has been read: it is looked up each time.
  if (!s->open || s->callbacks == NULL || s->callbacks->data == NULL) return 0;
  spssh_watch_steps(session);
  if (spssh_awaits_identification(session)) return spssh_read_identification(session, data, length);
  const enum ssh_session_state_e before = session->session_state;
  const size_t taken = s->callbacks->data(data, length, s->callbacks->userdata);
  spssh_hear_appeal(session, before);
  spssh_check_exchange(session);
  spssh_keep_host_signature(session);
  if (taken == 0) check_length(session);
  return taken;
}

// A handle without a descriptor: poll() skips it.
struct ssh_poll_handle_struct* ssh_socket_get_poll_handle(ssh_socket s) {
  if (s->poll_handle == NULL) s->poll_handle = ssh_poll_new(SSH_INVALID_SOCKET, 0, ssh_socket_pollcallback, s);
  return s->poll_handle;
}

int ssh_socket_pollcallback(struct ssh_poll_handle_struct* p, socket_t fd, int revents, void* v_s) {
  (void)p;
  (void)fd;
  (void)revents;
  (void)v_s;
  return 0;
}

// Nothing of what follows has a meaning without a descriptor: libssh wants the names.

socket_t ssh_socket_get_fd(ssh_socket s) {
  (void)s;
  return SSH_INVALID_SOCKET;
}
int ssh_socket_unix(ssh_socket s, const char* path) {
  (void)path;
  ssh_set_error(s->session, SSH_FATAL, "Unix sockets aren't supported here");
  return SSH_ERROR;
}
#ifdef WITH_EXEC
int ssh_socket_connect_proxycommand(ssh_socket s, const char* command) {
  (void)command;
  ssh_set_error(s->session, SSH_FATAL, "Proxy commands aren't supported here");
  return SSH_ERROR;
}
#endif
int ssh_socket_connect_proxyjump(ssh_socket s) {
  ssh_set_error(s->session, SSH_FATAL, "Proxy jumps aren't supported here");
  return SSH_ERROR;
}
int ssh_socket_nonblocking_flush(ssh_socket s) { return s->open ? SSH_OK : SSH_ERROR; }
void ssh_socket_set_write_wontblock(ssh_socket s) { (void)s; }
void ssh_socket_set_read_wontblock(ssh_socket s) { (void)s; }
void ssh_socket_set_except(ssh_socket s) { s->open = 0; }
int ssh_socket_get_status(ssh_socket s) { return s->open ? 0 : SSH_CLOSED; }
int ssh_socket_get_poll_flags(ssh_socket s) {
  (void)s;
  return 0;
}
int ssh_socket_buffered_write_bytes(ssh_socket s) {
  (void)s;
  return 0;
}
int ssh_socket_data_available(ssh_socket s) {
  (void)s;
  return 0;
}
int ssh_socket_data_writable(ssh_socket s) { return s->open; }
int ssh_socket_set_nonblocking(socket_t fd) {
  (void)fd;
  return SSH_OK;
}
int ssh_socket_set_blocking(socket_t fd) {
  (void)fd;
  return SSH_OK;
}
