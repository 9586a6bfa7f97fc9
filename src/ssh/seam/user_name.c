// The login name at a server. libssh refuses one with a backslash, as the names of directory services have it, lest it gets into
// a command line. Here it gets into messages alone.
#include "internals.h"

#include <stdlib.h>
#include <string.h>

int spssh_set_user(ssh_session session, const char* name) {
  char* const copy = strdup(name);
  if (copy == NULL) return -1;
  free(session->opts.username);
  session->opts.username = copy;
  return 0;
}
