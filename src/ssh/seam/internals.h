// What the seam's files share. Private to the seam.
#pragma once

#include "config.h"

#include "libssh/priv.h"
//
#include "libssh/buffer.h"
#include "libssh/callbacks.h"
#include "libssh/messages.h"
#include "libssh/misc.h"
#include "libssh/packet.h"
#include "libssh/poll.h"
#include "libssh/session.h"
#include "libssh/socket.h"
#include "libssh/ssh2.h"

#include "seam.h"

#if LIBSSH_VERSION_MAJOR != 0 || LIBSSH_VERSION_MINOR != 12
#error "The seam was written for the internals of libssh 0.12.x: read it against this version before changing this line."
#endif

_Static_assert(SSH2_MSG_SERVICE_REQUEST == 5 && SSH2_MSG_KEXINIT == 20 && SSH2_MSG_KEX_DH_GEX_REQUEST == 34,
               "RFC 4253, section 12; RFC 4419, section 5");
_Static_assert(SSH2_MSG_USERAUTH_REQUEST == 50, "RFC 4252, section 6");
_Static_assert(SSH2_MSG_USERAUTH_INFO_RESPONSE == 61, "RFC 4256, section 5");
_Static_assert(SSH2_MSG_GLOBAL_REQUEST == 80 && SSH2_MSG_CHANNEL_FAILURE == 100, "RFC 4254, section 9");

// Our socket: no descriptor, only where libssh's output goes.
struct ssh_socket_struct {
  ssh_session session;
  ssh_socket_callbacks callbacks;
  ssh_poll_handle poll_handle;  // without a descriptor; ssh_handle_packets() wants one
  int open;
  const struct spssh_events* events;
  void* owner;
  char* identification;
  int takes_exchanges;  // messages of an exchange of keys wait for spssh_work_off()
  uint8_t taken;        // the type of the one that does; it is in in_buffer
  unsigned int lines;   // that have come before the server's identification
  struct ssh_packet_callbacks_struct service_tap;
  struct ssh_packet_callbacks_struct exchange_tap;
  struct ssh_packet_callbacks_struct connection_tap;
  struct ssh_packet_callbacks_struct userauth_tap;
  struct ssh_packet_callbacks_struct info_response_tap;
  void (*step)(ssh_session session);  // libssh's, behind ours
  enum spssh_strictness strict;
  struct spssh_ecdsa_keys* ecdsa;  // the server's own, if it has any
  ssh_string host_signature;       // client role: the server's over the session's identifier
};

// Puts our handlers in front of libssh's.
void spssh_install_tap(ssh_socket s);

// Puts us in front of what libssh does with each step of a connection. Every time: it is set late.
void spssh_watch_steps(ssh_session session);
// Before and after an exchange of keys: all ECDSA host keys are offered.
void spssh_offer_ecdsa_keys(ssh_session session);
// The algorithms have been agreed on: the key of that type is the session's. Returns 0, or -1 when out of memory.
int spssh_choose_ecdsa_key(ssh_session session);
void spssh_free_ecdsa_keys(struct spssh_ecdsa_keys* ecdsa);
// After each packet of the client role: keeps the server's signature of the first exchange, which libssh throws away at its end.
void spssh_keep_host_signature(ssh_session session);
// Whether the peer's identification is still to come.
int spssh_awaits_identification(ssh_session session);
// Takes one line of what has come, or nothing when it isn't whole.
size_t spssh_read_identification(ssh_session session, const uint8_t* data, size_t length);
// After each packet; `before` is the state of the session before it: a message that libssh has denied is heard all the same.
void spssh_hear_appeal(ssh_session session, enum ssh_session_state_e before);
// After each packet: ends the session if that one didn't belong in a strict exchange.
void spssh_check_exchange(ssh_session session);

enum spssh_in_place {
  SPSSH_DONE,      // the message is on its way
  SPSSH_NOT_HERE,  // nothing was done: it is a case for ssh_packet_send()
  SPSSH_LOST       // the session can't go on
};
// Sends the message as ssh_packet_send() would, but builds its packet where the owner wants it.
enum spssh_in_place spssh_send_in_place(ssh_session session, const uint8_t* head, size_t head_length, const uint8_t* tail,
                                        size_t tail_length);
