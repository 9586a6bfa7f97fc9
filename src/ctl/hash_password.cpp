#include "ctl/hash_password.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "auth/factors/password_hash.hpp"

namespace sallyport::ctl {
namespace {

/// Room for the longest password, the end of its line and a zero.
struct Buffer {
  std::array<char, auth::kMaxPassword + 2> text{};
  ~Buffer() { OPENSSL_cleanse(text.data(), text.size()); }
};

/// No echo from here on: libcrypto turns it off behind each prompt, which a fast typist may forestall.
class NoEcho {
 public:
  NoEcho() : changed_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_;
};

Result<SecretString> ask() {
  Buffer buffer;
  const NoEcho quiet;
  // Speaks with the terminal, restores it when interrupted, and wants the same twice.
  const int rc = EVP_read_pw_string_min(buffer.text.data(), 1, static_cast<int>(auth::kMaxPassword), "Password: ", 1);
  if (rc != 0) return fail(Errc::denied, rc == -2 ? "given up" : "no password, or not the same twice");
  return SecretString(buffer.text.data());
}

Result<SecretString> read_line() {
  Buffer buffer;
  std::size_t size = 0;
  while (size < buffer.text.size()) {  // byte by byte: what follows the line isn't ours
    const ssize_t count = ::read(STDIN_FILENO, buffer.text.data() + size, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::io, "standard input: " + std::generic_category().message(errno));
    if (count == 0 || buffer.text[size] == '\n') {
      if (size > 0 && buffer.text[size - 1] == '\r') --size;
      return SecretString(std::string_view(buffer.text.data(), size));
    }
    ++size;
  }
  return fail(Errc::denied, "the password is too long");
}

}  // namespace

Result<SecretString> read_password() { return ::isatty(STDIN_FILENO) != 0 ? ask() : read_line(); }

}  // namespace sallyport::ctl
