// The seam: the only place that sees libssh's private parts. C files implement it, since some of libssh's private headers
// aren't C++-clean: socket.c replaces libssh's socket layer, packet_tap.c taps and sends packets, in_place.c encrypts those
// of a stream, key_exchange.c makes the strict exchange strict, identification.c reads the peer's, appeal.c bears what OpenSSH
// bears, host_keys.c serves several ECDSA host keys, private_key.c puts a key into locked memory, random.c gives random bytes.
//
// What is used of libssh's internals, and why:
//
//   socket.h, poll.h    our own ssh_socket_* (all that other objects of libssh refer to) and proxy_disconnect, so that
//                       libssh never sees a descriptor; ssh_poll_new/free/init/cleanup, since ssh_handle_packets()
//                       wants a poll handle (ours has no descriptor and never fires)
//   session.h           session->socket (ours); session->alive (a dead session sends nothing more);
//                       session_state, flags (phase; authenticated); auth.state (an INFO_RESPONSE is let through by
//                       libssh's filter only when it says that one is expected);
//                       ssh_connection_callback, flags, recv_seq, next_crypto's client_kex and server_kex (strict key
//                       exchange);
//                       out_buffer (a payload goes there before ssh_packet_send, where in_place.c doesn't send it),
//                       out_queue, dh_handshake_state (whether a message waits for an exchange of keys); recv_seq (for
//                       UNIMPLEMENTED); in_buffer, packet_state, in_packet (to give an idle session's buffers back);
//                       client, clientbanner (our own identification in the client role); serverbanner, clientbanner,
//                       session_state and ssh_connection_callback (what libssh's readers of the peer's do with it);
//                       session_state, packet_state and in_packet (a message that libssh's filter has denied)
//   callbacks.h         struct ssh_socket_callbacks_struct: data, connected, userdata: how bytes get in
//   packet.h            ssh_packet_set_callbacks (our table in front of libssh's), ssh_packet_send,
//                       ssh_packet_send_unimplemented; ssh_packet_process, for messages of an exchange of keys that our
//                       table has kept from libssh until then, and for such as come during one
//   crypto.h            ssh_packet_get_current_crypto, struct ssh_crypto_struct (out_hmac, do_compress_out), struct
//                       ssh_cipher_struct (aead_encrypt, block sizes, packets, blocks and max_blocks), and of session.h
//                       current_crypto, opts.rekey_time, raw_counter, send_seq: to encrypt a message where it is sent
//                       from, and to know when not to
//   session.h, pki.h    srv.ecdsa_key, its type_c, srv.hostkey: which ECDSA host keys are offered, and which one is used
//   priv.h              ssh_get_random: our own, for libssh and for padding; ssh_reset_error
//   wrapper.h           hmac_digest_len
//   buffer.h            ssh_buffer_* on packets and out_buffer; ssh_buffer_set_secure on in_buffer (passwords come in
//                       there)
//   session.h, crypto.h session->current_crypto->session_id (what an agent signs, and what a target proves its host keys
//                       with); auth.state, auth.current_method (so that libssh takes the answer to a request that we
//                       sent)
//   pki.h               struct ssh_key_struct's key: where OpenSSL has an ed25519 key
//   pki.h, pki_priv.h   ssh_key_get_signature_algorithm, pki_do_sign, ssh_pki_*_signature_blob,
//                       ssh_pki_signature_verify: signatures over data of our own
//   messages.h          ssh_message_pop_head: the public ssh_message_get() would poll; auth_request.signature_state
//   misc.h              struct ssh_list: to look at out_queue
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libssh/libssh.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a session tells its owner. Every call comes from inside spssh_feed(), spssh_send() or a public libssh function.
struct spssh_events {
  /// Bytes for the wire. Must take them all.
  void (*output)(void* owner, const uint8_t* data, size_t length);
  /// Room for `length` bytes behind all that was given to output() and commit(); null when that is too much. commit()
  /// follows, or nothing any more.
  uint8_t* (*reserve)(void* owner, size_t length);
  /// All of the room is filled.
  void (*commit)(void* owner, size_t length);
  /// One message of types 80 to 100 of an authenticated session; payload[0] is the type.
  void (*message)(void* owner, const uint8_t* payload, size_t length);
  /// A user authentication request (RFC 4252, section 5), before libssh has looked at it. payload[0] is the type. Zero:
  /// libssh isn't to look at it, and to verify its signature.
  int (*userauth_request)(void* owner, const uint8_t* payload, size_t length);
  /// An INFO_RESPONSE (RFC 4256, section 3.4) in the server role. libssh doesn't see it.
  void (*info_response)(void* owner, const uint8_t* payload, size_t length);
  /// After spssh_take_exchanges(): a message of an exchange of keys has come and waits for spssh_work_off(). Nothing
  /// may be fed until then.
  void (*exchange)(void* owner);
};

enum spssh_phase {
  SPSSH_HANDSHAKE,       ///< identification and the first key exchange
  SPSSH_AUTHENTICATING,  ///< keys are in use, nobody is logged in
  SPSSH_READY,           ///< logged in; stays so during a re-exchange of keys
  SPSSH_DEAD             ///< an error, or the peer's DISCONNECT: ssh_get_error() says which
};

/// Ties `session` to its owner and puts the tap in place. To be called after ssh_bind_accept_fd(), which makes a new
/// socket, or after ssh_new(). `identification` (whole line without its end; copied) replaces libssh's in the
/// client role; may be null. Returns 0, or -1 when out of memory.
int spssh_attach(ssh_session session, const struct spssh_events* events, void* owner, const char* identification);
/// Server role, between spssh_attach() and the first exchange: this ECDSA host key is offered as well, in each exchange.
/// At most one of each curve. Keeps a reference to what is in it. Returns 0, or -1 when out of memory.
int spssh_add_ecdsa_key(ssh_session session, ssh_key key);
/// From now on `owner` is told. After spssh_attach().
void spssh_move(ssh_session session, const struct spssh_events* events, void* owner);
/// Nothing is told any more, until spssh_move().
void spssh_detach(ssh_session session);

/// Gives libssh bytes from the wire and returns how many it took: one line or packet, or 0 when it needs more than that,
/// which a server gives up for packets above 36 KiB before the login.
/// `data` is decrypted in place. Handlers run inside: they must neither feed nor free this session.
size_t spssh_feed(ssh_session session, uint8_t* data, size_t length);

/// From now on messages of an exchange of keys (20 to 34) are not answered when they are fed, but by spssh_work_off(),
/// which any thread may do while nothing else uses the session. After the login.
void spssh_take_exchanges(ssh_session session);
/// Has libssh treat the message that events->exchange() has told of.
void spssh_work_off(ssh_session session);

enum spssh_sent {
  SPSSH_SENT,    ///< encrypted and given to the owner
  SPSSH_QUEUED,  ///< it has made libssh begin an exchange of keys, and goes out at its end
  SPSSH_WAITS,   ///< keys are being exchanged: nothing has been done, and it is to be sent once they are
  SPSSH_FAILED   ///< the session is dead
};
/// Sends one message, made of two parts.
enum spssh_sent spssh_send(ssh_session session, const uint8_t* head, size_t head_length, const uint8_t* tail, size_t tail_length);
/// Whether the message that was SPSSH_QUEUED still is.
int spssh_has_queued(ssh_session session);

/// The next message of the server role that waits for an answer, or null. To be freed with ssh_message_free().
ssh_message spssh_next_message(ssh_session session);

/// True when it is a publickey request whose signature libssh has verified. (The public function is deprecated in
/// favour of callbacks that want their answer at once.)
int spssh_signature_valid(ssh_message message);

/// Server role: whether an INFO_RESPONSE is expected. Any other one ends the session.
void spssh_expect_info_response(ssh_session session, int expected);
/// What comes in is overwritten when it has been read, until spssh_trim() gives the session another buffer.
void spssh_wipe_input(ssh_session session);
/// After spssh_wipe_input(): overwrites what has been read now, and not when more comes. With no handler on the stack.
void spssh_forget_packet(ssh_session session);

/// The identifier of the first key exchange (RFC 4253, 7.2); null before it.
const uint8_t* spssh_session_id(ssh_session session, size_t* length);

/// Client role: the server's signature over that identifier, as it stands on the wire; null when there is none. libssh has
/// verified it once the exchange is over.
const uint8_t* spssh_host_key_signature(ssh_session session, size_t* length);

/// Client role: whether the server takes logins whose signature names its host key (OpenSSH's PROTOCOL, 3.1).
int spssh_takes_hostbound(ssh_session session);

/// The signature algorithm of the host key in the last exchange; null before it.
const char* spssh_host_key_algorithm(ssh_session session);

/// Client role, before the login: the name to log in by, whatever characters it has. Returns 0, or -1 when out of memory.
int spssh_set_user(ssh_session session, const char* name);

/// The name of the algorithm with which a signature by `key` (a certificate, too) is made for this server; null when there
/// is none.
const char* spssh_signature_algorithm(ssh_session session, ssh_key key);

/// Sends a USERAUTH_REQUEST "publickey" with a signature that somebody else has made.
enum spssh_sent spssh_send_signed_request(ssh_session session, const uint8_t* payload, size_t length);
/// What the server has said to it: SSH_AUTH_AGAIN while it has said nothing, SUCCESS, PARTIAL, DENIED or ERROR.
int spssh_signed_request_outcome(ssh_session session);

/// Puts a private key that has been read from a file, and of which there is no copy yet, into memory that isn't written
/// to the swap space, if OpenSSL has been given any. Returns 0, or -1 when there is none left.
int spssh_lock_key(ssh_key key);

/// A signature over `data`, as it stands on the wire; null on failure. To be freed with ssh_string_free(). An RSA key signs with
/// SHA-512, or with SHA-256 when `sha256` is set.
ssh_string spssh_sign(ssh_key key, int sha256, const uint8_t* data, size_t length);
/// Whether `signature` (as it stands on the wire) by `key` over `data` is good. Of an RSA key's, SHA-1 isn't.
int spssh_verify(ssh_session session, ssh_key key, const uint8_t* signature, size_t signature_length, const uint8_t* data,
                 size_t length);

enum spssh_phase spssh_phase(ssh_session session);
int spssh_in_rekey(ssh_session session);
enum spssh_strictness {
  SPSSH_NOT_KNOWN,  ///< the peer's first KEXINIT hasn't come
  SPSSH_NOT_STRICT,
  SPSSH_STRICT
};
/// Whether the exchange of keys is a strict one (OpenSSH's PROTOCOL, 1.10), as the peer's first KEXINIT has said.
enum spssh_strictness spssh_strict_kex(ssh_session session);
/// Length of the packet that was read last.
uint32_t spssh_last_packet_length(ssh_session session);
/// Its message number.
uint8_t spssh_last_packet_type(ssh_session session);
/// Gives back the buffers that libssh keeps (up to 64 KiB each) if no packet is half read or half written.
void spssh_trim(ssh_session session);

#ifdef __cplusplus
}
#endif
