// The peer's identification (RFC 4253, 4.2), read as OpenSSH reads it. libssh's readers give up at 255 bytes, the server's at
// 127, also for the lines that a server may send before it, and take a line that a carriage return or a zero stands in for what
// is before that; and of the version it looks at one character or two.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

enum { kLongestLine = 8192, kMostLines = 1024 };  // OpenSSH's SSH_MAX_BANNER_LEN and SSH_MAX_PRE_BANNER_LINES
enum { kMostReturns = 1024 };                     // at the end of a line, where OpenSSH bears any number
enum { kEnd = 2 };                                // zeros: libssh reads the minor version of "OpenSSH_10" one behind the first

static size_t fail(ssh_session session, const char* what) {
  ssh_set_error(session, SSH_FATAL, "the identification: %s", what);
  session->session_state = SSH_SESSION_STATE_ERROR;
  return 0;
}

// Protocol 2, or one that knows it (RFC 4253, 5.1), and the name of a software: OpenSSH's "SSH-%d.%d-%[^\n]".
static int is_version_2(const char* line) {
  const char* const old = "SSH-1.99-";
  if (strncmp(line, old, strlen(old)) == 0) return line[strlen(old)] != '\0';
  if (strncmp(line, "SSH-2.", 6) != 0) return 0;
  const size_t digits = strspn(line + 6, "0123456789");
  return digits > 0 && line[6 + digits] == '-' && line[7 + digits] != '\0';
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
  const size_t whole = end == NULL ? length : taken - 1;
  size_t size = whole;
  while (size > 0 && data[size - 1] == '\r') --size;
  if (memchr(data, '\0', size) != NULL || memchr(data, '\r', size) != NULL) return fail(session, "it holds no text");
  if (size > kLongestLine || whole - size > kMostReturns) return fail(session, "too long a line");
  if (end == NULL) return 0;
  // Of a client the first line is it, or it is none.
  if (session->client && (size <= 4 || memcmp(data, "SSH-", 4) != 0)) {
    if (++session->socket->lines >= kMostLines) return fail(session, "too many lines before it");
    return taken;
  }
  char* const line = calloc(1, size + kEnd);
  if (line == NULL) return fail(session, "no memory");
  memcpy(line, data, size);
  if (!is_version_2(line)) {
    ssh_set_error(session, SSH_FATAL, "Protocol mismatch: %s", line);  // libssh's own words
    session->session_state = SSH_SESSION_STATE_ERROR;
    free(line);
    return 0;
  }
  take(session, line);
  return taken;
}
