// The peer's identification (RFC 4253, 4.2), read as OpenSSH reads it. libssh's readers give up at 255 bytes, the server's at 127, also
// for the lines that a server may send before it, and take a line that a carriage return or a zero stands in for what is before that.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

enum { kLongestLine = 8192, kMostLines = 1024 };  // OpenSSH's SSH_MAX_BANNER_LEN and SSH_MAX_PRE_BANNER_LINES

static size_t fail(ssh_session session, const char* what) {
  ssh_set_error(session, SSH_FATAL, "the identification: %s", what);
  session->session_state = SSH_SESSION_STATE_ERROR;
  return 0;
}

// libssh goes on as if it had read the line itself.
static void take(ssh_session session, char* line) {
  char** const kept = session->client ? &session->serverbanner : &session->clientbanner;
  free(*kept);
  *kept = line;
  session->session_state = SSH_SESSION_STATE_BANNER_RECEIVED;
  session->ssh_connection_callback(session);
}

int spssh_awaits_identification(ssh_session session) {
  return session->session_state == SSH_SESSION_STATE_SOCKET_CONNECTED &&
         (session->client ? session->serverbanner : session->clientbanner) == NULL;
}

size_t spssh_read_identification(ssh_session session, const uint8_t* data, size_t length) {
  const uint8_t* const end = memchr(data, '\n', length);
  const size_t taken = end == NULL ? 0 : (size_t)(end - data) + 1;
  size_t size = end == NULL ? length : taken - 1;
  if (size > 0 && data[size - 1] == '\r') --size;
  if (memchr(data, '\0', size) != NULL || memchr(data, '\r', size) != NULL) return fail(session, "it holds no text");
  if (size > kLongestLine) return fail(session, "too long a line");
  if (end == NULL) return 0;
  // Of a client the first line is it, or it is none.
  if (session->client && (size < 4 || memcmp(data, "SSH-", 4) != 0)) {
    if (++session->socket->lines >= kMostLines) return fail(session, "too many lines before it");
    return taken;
  }
  char* const line = malloc(size + 1);
  if (line == NULL) return fail(session, "no memory");
  memcpy(line, data, size);
  line[size] = '\0';
  take(session, line);
  return taken;
}
