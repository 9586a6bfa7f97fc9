#include "ssh/keys/key_file.hpp"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "net/loop/fd.hpp"
#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

constexpr std::size_t kMaxKeyFile = 64 * 1024;
constexpr std::size_t kMaxSecretFile = 4 * 1024;
constexpr std::string_view kSystemdCredential = "credential:";

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
    if (text.capacity() < text.size() + static_cast<std::size_t>(count)) {
      // By hand, for what it holds may be a secret, and a string that grows leaves its old memory as it was.
      std::string longer;
      longer.reserve(2 * (text.size() + static_cast<std::size_t>(count)));
      longer = text;
      wipe(text);
      text.swap(longer);
    }
    text.append(piece, static_cast<std::size_t>(count));
    explicit_bzero(piece, static_cast<std::size_t>(count));
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

namespace {

Result<SecretString> first_line(Result<std::string> text, const std::string& path) {
  if (!text) return fail(text.error());
  const auto end = text->find_first_of("\r\n");
  SecretString line(std::string_view(*text).substr(0, end));
  wipe(*text);
  if (line.empty()) return fail(Errc::config, path + ": nothing in its first line");
  return line;
}

}  // namespace

Result<SecretString> read_secret(const std::string& path) {
  struct stat status {};
  auto fd = open_regular(path, status);
  if (!fd) return fail(fd.error());
  if ((status.st_uid != ::geteuid() && status.st_uid != 0) || (status.st_mode & 077) != 0)
    return fail(Errc::config, path + ": a secret that others may read (mode must be 0600)");
  return first_line(read_all(*fd, path, kMaxSecretFile), path);
}

Result<SecretString> read_passphrase(const std::string& name) {
  if (!name.starts_with(kSystemdCredential)) return read_secret(name);
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  const std::string file = name.substr(kSystemdCredential.size());
  if (folder == nullptr) return fail(Errc::config, name + ": systemd has given no credentials (LoadCredential=)");
  if (file.empty() || file.find('/') != std::string::npos) return fail(Errc::config, name + ": no name of a credential");
  // Whom systemd lets read it depends on the unit's user, and shows in an access list at times, not in the mode.
  const std::string path = std::string(folder) + "/" + file;
  return first_line(read_file(path, kMaxSecretFile), path);
}

Result<KeyHandle> load_private_key(const std::string& path, const SecretString& passphrase) {
  ensure_libssh();
  struct stat status {};
  auto fd = open_regular(path, status);
  if (!fd) return fail(fd.error());
  if (status.st_uid == ::geteuid() && (status.st_mode & 077) != 0) {
    return fail(Errc::config, path + ": a private key that others may read (mode must be 0600)");
  }
  auto text = read_all(*fd, path, kMaxKeyFile);
  if (!text) return fail(text.error());
  const bool encrypted = is_encrypted(*text);
  if (encrypted && passphrase.empty()) {
    wipe(*text);  // libcrypto would ask for it at the terminal
    return fail(Errc::config, path + ": the key has a passphrase");
  }
  ssh_key key = nullptr;
  const int rc = ssh_pki_import_privkey_base64(text->c_str(), encrypted ? passphrase.c_str() : nullptr, nullptr, nullptr, &key);
  wipe(*text);
  if (rc != SSH_OK) {
    return fail(Errc::config, path + (encrypted ? ": the passphrase is not the key's" : ": not a private key that can be used"));
  }
  KeyHandle loaded{key};
  if (spssh_lock_key(key) != 0) return fail(Errc::limit, path + ": no locked memory is left for the key");
  return loaded;
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
