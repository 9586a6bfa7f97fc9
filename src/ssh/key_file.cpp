#include "ssh/key_file.hpp"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/fd.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::size_t kMaxKeyFile = 64 * 1024;

Error file_error(int error_number, const std::string& path) {
  return Error{error_number == ENOENT ? Errc::not_found : Errc::io, path + ": " + std::strerror(error_number)};
}

Result<net::Fd> open_regular(const std::string& path, struct stat& status) {
  net::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd || ::fstat(fd.get(), &status) != 0) return fail(file_error(errno, path));
  if (!S_ISREG(status.st_mode)) return fail(Errc::io, path + ": not a regular file");
  return fd;
}

Result<std::string> read_all(const net::Fd& fd, const std::string& path, std::size_t limit) {
  std::string text;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(fd.get(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(file_error(errno, path));
    if (count == 0) return text;
    text.append(piece, static_cast<std::size_t>(count));
    if (text.size() > limit) return fail(Errc::limit, path + ": larger than " + std::to_string(limit) + " bytes");
  }
}

// libssh says no more than "error" for a key that needs a passphrase.
bool is_encrypted(const std::string& text) {
  if (text.find("BEGIN OPENSSH PRIVATE KEY") != std::string::npos) {
    std::string packed;
    for (const char c : text) {
      if (c != '\n' && c != '\r') packed += c;
    }
    // base 64 of "openssh-key-v1", NUL, and the cipher "none"
    return packed.find("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU") == std::string::npos;
  }
  return text.find("ENCRYPTED") != std::string::npos;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  struct stat status {};
  auto fd = open_regular(path, status);
  if (!fd) return fail(fd.error());
  return read_all(*fd, path, limit);
}

Result<KeyHandle> load_private_key(const std::string& path) {
  ensure_libssh();
  struct stat status {};
  auto fd = open_regular(path, status);
  if (!fd) return fail(fd.error());
  if (status.st_uid == ::geteuid() && (status.st_mode & 077) != 0) {
    return fail(Errc::config, path + ": a private key that others may read (mode must be 0600)");
  }
  auto text = read_all(*fd, path, kMaxKeyFile);
  if (!text) return fail(text.error());
  ssh_key key = nullptr;
  const int rc = ssh_pki_import_privkey_base64(text->c_str(), nullptr, nullptr, nullptr, &key);
  const bool encrypted = rc != SSH_OK && is_encrypted(*text);
  explicit_bzero(text->data(), text->size());
  if (rc != SSH_OK) {
    return fail(Errc::config,
                path + (encrypted ? ": the key has a passphrase" : ": not a private key that can be used"));
  }
  return KeyHandle{key};
}

Result<KeyHandle> load_certificate(const std::string& path, const KeyHandle& key) {
  const std::string file = path + "-cert.pub";
  auto text = read_file(file, kMaxKeyFile);
  if (!text && text.error().code == Errc::not_found) return KeyHandle{};
  if (!text) return fail(text.error());
  ssh_key raw = nullptr;
  if (ssh_pki_import_cert_file(file.c_str(), &raw) != SSH_OK) return fail(Errc::config, file + ": not a certificate");
  const KeyHandle certificate{raw};
  KeyHandle both{ssh_key_dup(key.get())};
  if (!both || ssh_pki_copy_cert_to_privkey(certificate.get(), both.get()) != SSH_OK) {
    return fail(Errc::config, file + ": not a certificate of the key beside it");
  }
  return both;
}

}  // namespace sallyport::ssh
