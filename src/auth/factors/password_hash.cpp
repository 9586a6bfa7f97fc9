#include "auth/factors/password_hash.hpp"

#include <crypt.h>
#include <openssl/crypto.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace sallyport::auth {
namespace {

/// libcrypt's scratch space, 32 KiB in which the password may stand.
struct WipedData {
  crypt_data data{};
  ~WipedData() { OPENSSL_cleanse(&data, sizeof data); }
};

/// Null when libcrypt can't make anything of the setting.
const char* crypt_with(const SecretString& password, const char* setting, WipedData& scratch) {
  return ::crypt_rn(password.c_str(), setting, &scratch.data, sizeof scratch.data);
}

}  // namespace

Result<std::string> hash_password(const SecretString& password) {
  if (password.empty()) return fail(Errc::denied, "an empty password is none");
  if (password.size() > kMaxPassword) return fail(Errc::denied, "the password is too long");
  if (password.view().find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
    return fail(Errc::denied, "a password can't hold a zero or the end of a line");
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  // 0 and null: libcrypt's own cost, and salt from the system.
  if (::crypt_gensalt_rn("$y$", 0, nullptr, 0, setting, sizeof setting) == nullptr)
    return fail(Errc::unavailable, "libcrypt can't make yescrypt hashes: " + std::generic_category().message(errno));
  const auto scratch = std::make_unique<WipedData>();
  const char* const hash = crypt_with(password, setting, *scratch);
  if (hash == nullptr) return fail(Errc::unavailable, "libcrypt failed: " + std::generic_category().message(errno));
  return std::string(hash);
}

bool is_strong_hash(const std::string& hash) {
  constexpr std::size_t kShortest = 32;  // less is a setting without its hash
  return hash.size() >= kShortest && ::crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK;
}

bool matches_hash(const SecretString& password, const std::string& hash) {
  const auto scratch = std::make_unique<WipedData>();
  const char* const made = crypt_with(password, hash.c_str(), *scratch);
  if (made == nullptr || std::strlen(made) != hash.size()) return false;
  // crypt(3) stops at a zero.
  const bool whole = password.view().find('\0') == std::string_view::npos;
  return CRYPTO_memcmp(made, hash.data(), hash.size()) == 0 && whole && !password.empty() && password.size() <= kMaxPassword;
}

}  // namespace sallyport::auth
