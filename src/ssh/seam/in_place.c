// Framing and encryption of our messages without libssh's detour: its own encrypts into zeroed memory, copies the
// result back and wipes what it copied from, which is three more passes over each packet of a stream.
#include "internals.h"

#include "libssh/crypto.h"
#include "libssh/wrapper.h"

#include <string.h>

// RFC 4344, 3.1, as libssh has it. An exchange of keys is begun by ssh_packet_send() alone.
static const uint64_t kMaximumPackets = UINT64_C(1) << 31;

static int is_near_its_limit(const struct ssh_cipher_struct* cipher, uint64_t blocks) {
  return cipher->packets >= kMaximumPackets ||
         (cipher->max_blocks != 0 && cipher->blocks + blocks >= cipher->max_blocks);
}

// Neither before the login nor while keys are exchanged, or when that may be due: those are libssh's own affairs.
static int is_plain_sailing(ssh_session session, const struct ssh_crypto_struct* crypto, uint32_t length) {
  if (crypto == NULL || crypto != session->current_crypto || session->dh_handshake_state != DH_STATE_FINISHED) return 0;
  if ((session->flags & SSH_SESSION_FLAG_AUTHENTICATED) == 0 || session->opts.rekey_time != 0) return 0;
  if (crypto->out_cipher->aead_encrypt == NULL || crypto->do_compress_out || session->raw_counter != NULL) return 0;
  return !is_near_its_limit(crypto->out_cipher, length / crypto->out_cipher->blocksize) &&
         !is_near_its_limit(crypto->in_cipher, 0);
}

// RFC 4253, 6: what is encrypted fills whole blocks, with four bytes of padding at least. The length stands in front of
// it.
static uint8_t padding_of(const struct ssh_cipher_struct* cipher, uint32_t length) {
  const uint32_t clear = cipher->lenfield_blocksize;
  const uint32_t used = (uint32_t)sizeof(uint32_t) + 1 + length - clear;
  const uint32_t padding = cipher->blocksize - used % cipher->blocksize;
  return (uint8_t)(padding < 4 ? padding + cipher->blocksize : padding);
}

static int frame(ssh_buffer buffer, uint32_t length, uint8_t padding) {
  const uint32_t packet_length = 1 + length + padding;
  const uint8_t header[5] = {(uint8_t)(packet_length >> 24), (uint8_t)(packet_length >> 16),
                             (uint8_t)(packet_length >> 8), (uint8_t)packet_length, padding};
  uint8_t random[32];
  if (padding > sizeof random || !ssh_get_random(random, padding, 0)) return -1;
  if (ssh_buffer_prepend_data(buffer, header, sizeof header) < 0) return -1;
  return ssh_buffer_add_data(buffer, random, padding);
}

// The functions of a cipher tell of no failure, but the tag is the last thing that they write: without one, what stands
// in the packet may be no ciphertext.
static int encrypt(ssh_session session, struct ssh_crypto_struct* crypto) {
  static const uint8_t none[16];
  const size_t tag_length = hmac_digest_len(crypto->out_hmac);
  ssh_buffer buffer = session->out_buffer;
  if (tag_length != sizeof none || tag_length > sizeof crypto->hmacbuf) return -1;
  memset(crypto->hmacbuf, 0, tag_length);
  uint8_t* const data = ssh_buffer_get(buffer);
  crypto->out_cipher->aead_encrypt(crypto->out_cipher, data, data, ssh_buffer_get_len(buffer), crypto->hmacbuf,
                                   session->send_seq);
  if (memcmp(crypto->hmacbuf, none, tag_length) == 0) return -1;
  return ssh_buffer_add_data(buffer, crypto->hmacbuf, (uint32_t)tag_length);
}

enum spssh_in_place spssh_send_in_place(ssh_session session) {
  struct ssh_crypto_struct* const crypto = ssh_packet_get_current_crypto(session, SSH_DIRECTION_OUT);
  const uint32_t length = ssh_buffer_get_len(session->out_buffer);
  if (!is_plain_sailing(session, crypto, length)) return SPSSH_NOT_HERE;
  struct ssh_cipher_struct* const cipher = crypto->out_cipher;
  if (frame(session->out_buffer, length, padding_of(cipher, length)) < 0 || encrypt(session, crypto) < 0 ||
      ssh_socket_write(session->socket, ssh_buffer_get(session->out_buffer), ssh_buffer_get_len(session->out_buffer)) !=
          SSH_OK) {
    return SPSSH_LOST;
  }
  ++session->send_seq;
  ++cipher->packets;
  cipher->blocks += length / cipher->blocksize;
  return ssh_buffer_reinit(session->out_buffer) < 0 ? SPSSH_LOST : SPSSH_DONE;
}
