// Messages of a peer that is logged in, which OpenSSH bears and libssh's packet filter ends the connection over. That of the
// connection protocol while keys are exchanged is processed: until the peer's NEWKEYS has come it is as good as any (some peers
// go on sending behind their KEXINIT, though RFC 4253, 7.1 forbids it). Any other that has no place there is not looked at, and
// answered by UNIMPLEMENTED, as OpenSSH's dispatch_protocol_error() does: user authentication when that is over, services that
// nobody asked for. Messages of an exchange of keys that are out of place, and everything before the login, end the connection as
// ever.
//
// libssh says that it has denied a message by a dead session that is still processing a packet; it has done nothing else with it.
#include "internals.h"

static int is_denied(ssh_session session) {
  return session->session_state == SSH_SESSION_STATE_ERROR && session->packet_state == PACKET_STATE_PROCESSING;
}

static int is_of_an_exchange(uint8_t type) { return type >= SSH2_MSG_KEXINIT && type < SSH2_MSG_USERAUTH_REQUEST; }

static int is_of_the_connection(uint8_t type) { return type >= SSH2_MSG_GLOBAL_REQUEST && type <= SSH2_MSG_CHANNEL_FAILURE; }

void spssh_hear_appeal(ssh_session session, enum ssh_session_state_e before) {
  const uint8_t type = session->in_packet.type;
  if (!is_denied(session) || (session->flags & SSH_SESSION_FLAG_AUTHENTICATED) == 0 || is_of_an_exchange(type)) return;
  session->session_state = before;
  ssh_reset_error(session);
  if (is_of_the_connection(type)) {
    ssh_packet_process(session, type);  // which comes to our tap, and not to libssh's handlers
  } else {
    ssh_packet_send_unimplemented(session, session->recv_seq - 1);
  }
  session->packet_state = PACKET_STATE_INIT;
}
