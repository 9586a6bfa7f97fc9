// Random bytes for libssh, in place of its own ssh_get_random(). sntrup761 asks for a secret 761 times, four bytes at a
// time, and each packet for its padding: OpenSSL's generator takes a microsecond and a system call each time. Here it
// is asked for a pool at a time; each byte is given once and overwritten as it is given.
#include "internals.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum { kPoolSize = 1024, kLargest = 64 };

struct pool {
  uint8_t bytes[kPoolSize];
  size_t left;
  int broken;
};

// For what everybody may see, and for secrets: OpenSSL has a generator for either.
static _Thread_local struct pool pools[2];

static int generate(void* where, int length, int strong) {
  return (strong ? RAND_priv_bytes(where, length) : RAND_bytes(where, length)) == 1;
}

// The other process must not give the same bytes. It has this thread only.
static void discard_in_child(void) { explicit_bzero(pools, sizeof pools); }

static void watch_forks(void) { pthread_atfork(NULL, NULL, discard_in_child); }

static int refill(struct pool* pool, int strong) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  // For good, since libssh looks at the last of its 761 answers only.
  if (pool->broken || !generate(pool->bytes, sizeof pool->bytes, strong)) {
    pool->broken = 1;
    return 0;
  }
  pool->left = sizeof pool->bytes;
  return 1;
}

int ssh_get_random(void* where, int length, int strong) {
  struct pool* const pool = &pools[strong ? 1 : 0];
  if (length < 0) return 0;
  if (length > kLargest) return !pool->broken && generate(where, length, strong);
  if (pool->left < (size_t)length && !refill(pool, strong)) return 0;
  pool->left -= (size_t)length;
  memcpy(where, pool->bytes + pool->left, (size_t)length);
  explicit_bzero(pool->bytes + pool->left, (size_t)length);
  return 1;
}
