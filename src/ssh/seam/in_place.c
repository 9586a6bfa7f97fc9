// Framing and encryption of our messages without libssh's detour: its own encrypts into zeroed memory, copies the
// result back, wipes what it copied from and hands that over to be copied once more. Here a message is copied once, to where
// it is sent from, and encrypted there.
#include "internals.h"

#include "libssh/crypto.h"
#include "libssh/wrapper.h"

#include <string.h>

enum { kLengthField = 4, kHeader = kLengthField + 1 };  // RFC 4253, 6: packet_length and padding_length

// RFC 4344, 3.1, as libssh has it. An exchange of keys is begun by ssh_packet_send() alone.
static const uint64_t kMaximumPackets = UINT64_C(1) << 31;

static int is_near_its_limit(const struct ssh_cipher_struct* cipher, uint64_t blocks) {
  return cipher->packets >= kMaximumPackets || (cipher->max_blocks != 0 && cipher->blocks + blocks >= cipher->max_blocks);
}

// Neither before the login nor while keys are exchanged, or when that may be due: those are libssh's own affairs.
static int is_plain_sailing(ssh_session session, const struct ssh_crypto_struct* crypto, size_t length) {
  if (crypto == NULL || crypto != session->current_crypto || session->dh_handshake_state != DH_STATE_FINISHED) return 0;
  if ((session->flags & SSH_SESSION_FLAG_AUTHENTICATED) == 0 || session->opts.rekey_time != 0) return 0;
  if (crypto->out_cipher->aead_encrypt == NULL || crypto->do_compress_out || session->raw_counter != NULL) return 0;
  return !is_near_its_limit(crypto->out_cipher, length / crypto->out_cipher->blocksize) &&
         !is_near_its_limit(crypto->in_cipher, 0);
}

// What is encrypted fills whole blocks, with four bytes of padding at least. The length stands in front of it.
static size_t padding_of(const struct ssh_cipher_struct* cipher, size_t length) {
  const size_t used = kHeader + length - cipher->lenfield_blocksize;
  const size_t padding = cipher->blocksize - used % cipher->blocksize;
  return padding < 4 ? padding + cipher->blocksize : padding;
}

static void put_uint32(uint8_t* to, size_t value) {
  to[0] = (uint8_t)(value >> 24);
  to[1] = (uint8_t)(value >> 16);
  to[2] = (uint8_t)(value >> 8);
  to[3] = (uint8_t)value;
}

// The functions of a cipher tell of no failure, but the tag is the last thing that they write: without one, what stands
// in the packet may be no ciphertext.
static int encrypt(ssh_session session, struct ssh_cipher_struct* cipher, uint8_t* packet, size_t length, uint8_t* tag,
                   size_t tag_length) {
  static const uint8_t none[16];
  if (tag_length != sizeof none) return -1;
  memset(tag, 0, tag_length);
  cipher->aead_encrypt(cipher, packet, packet, length, tag, session->send_seq);
  return memcmp(tag, none, tag_length) == 0 ? -1 : 0;
}

enum spssh_in_place spssh_send_in_place(ssh_session session, const uint8_t* head, size_t head_length, const uint8_t* tail,
                                        size_t tail_length) {
  struct ssh_crypto_struct* const crypto = ssh_packet_get_current_crypto(session, SSH_DIRECTION_OUT);
  const ssh_socket s = session->socket;
  const size_t length = head_length + tail_length;
  if (!is_plain_sailing(session, crypto, length) || !s->open || s->owner == NULL) return SPSSH_NOT_HERE;
  struct ssh_cipher_struct* const cipher = crypto->out_cipher;
  const size_t padding = padding_of(cipher, length);
  const size_t tag_length = hmac_digest_len(crypto->out_hmac);
  const size_t framed = kHeader + length + padding;
  uint8_t* const packet = s->events->reserve(s->owner, framed + tag_length);
  if (packet == NULL) return SPSSH_NOT_HERE;
  put_uint32(packet, framed - kLengthField);
  packet[kLengthField] = (uint8_t)padding;
  memcpy(packet + kHeader, head, head_length);
  if (tail_length > 0) memcpy(packet + kHeader + head_length, tail, tail_length);
  if (!ssh_get_random(packet + kHeader + length, (int)padding, 0) ||
      encrypt(session, cipher, packet, framed, packet + framed, tag_length) < 0) {
    return SPSSH_LOST;
  }
  ++session->send_seq;
  ++cipher->packets;
  cipher->blocks += length / cipher->blocksize;
  s->events->commit(s->owner, framed + tag_length);
  return SPSSH_DONE;
}
