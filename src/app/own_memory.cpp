#include "app/own_memory.hpp"

#include <openssl/crypto.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace sallyport::app {
namespace {

/// A key takes a few hundred bytes, an RSA key of 4096 bits 4 KiB, and so does each key exchange while it goes on. When
/// it is used up, key exchanges fail.
constexpr std::size_t kSecureHeap = 4 * 1024 * 1024;
constexpr std::size_t kSmallestBlock = 32;

/// OpenSSL's generators live in the secure heap and own what they have got from malloc. A search for leaks has to look there.
void show_secure_heap() {
#if defined(__SANITIZE_ADDRESS__)
  auto* const somewhere = static_cast<char*>(OPENSSL_secure_malloc(kSmallestBlock));
  if (somewhere == nullptr) return;
  __lsan_register_root_region(somewhere - kSecureHeap, 2 * kSecureHeap);  // only what is mapped of it is looked at
  OPENSSL_secure_free(somewhere);
#endif
}

}  // namespace

OwnMemory protect_own_memory() {
  OwnMemory own{};
  const auto failed = [&own](const char* what) { own.warnings.push_back(std::string(what) + ": " + std::strerror(errno)); };
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) failed("other processes of this account may look into the daemon");
  if (getrlimit(RLIMIT_CORE, &own.core) == 0) {
    // The hard limit stays, so that programs get theirs back also where the daemon isn't root.
    const rlimit none{0, own.core.rlim_max};
    if (setrlimit(RLIMIT_CORE, &none) != 0) failed("the daemon may write core files");
  }
  if (CRYPTO_secure_malloc_initialized() != 0) return own;
  if (CRYPTO_secure_malloc_init(kSecureHeap, kSmallestBlock) != 1)
    own.warnings.emplace_back(
        "private keys can't be locked into memory and may get into the swap space: RLIMIT_MEMLOCK (LimitMEMLOCK=) is "
        "too low");
  show_secure_heap();
  return own;
}

}  // namespace sallyport::app
