#include "ssh/keys/host_keys.hpp"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/loop/fd.hpp"
#include "net/sockets/folder.hpp"
#include "ssh/keys/key_file.hpp"

namespace sallyport::ssh {
namespace {

constexpr mode_t kFolderMode = 0700;

bool can_be_offered(const KeyHandle& key) {
  switch (ssh_key_type(key.get())) {
    case SSH_KEYTYPE_ED25519:
    case SSH_KEYTYPE_RSA:
    case SSH_KEYTYPE_ECDSA_P256:
    case SSH_KEYTYPE_ECDSA_P384:
    case SSH_KEYTYPE_ECDSA_P521: return true;
    default: return false;
  }
}

Result<> write_new(const std::string& path, std::string_view text, mode_t mode) {
  // O_EXCL: neither an existing file nor somebody's symbolic link is written through.
  const net::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!fd) return fail(Errc::config, "make " + path + ": " + std::strerror(errno));
  while (!text.empty()) {
    const ssize_t count = ::write(fd.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::config, "write " + path + ": " + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd.get()) != 0) return fail(Errc::config, "write " + path + ": " + std::strerror(errno));
  return {};
}

Result<KeyHandle> new_key(const std::string& path) {
  ensure_libssh();
  ssh_key raw = nullptr;
  if (ssh_pki_generate_key(SSH_KEYTYPE_ED25519, nullptr, &raw) != SSH_OK) {
    return fail(Errc::config, "make " + path + ": no key could be generated");
  }
  return KeyHandle{raw};
}

/// Whether there is, or could be, a folder for it.
Result<KeyHandle> stand_in(const std::string& path) {
  std::string folder = net::folder_of(path);
  if (::access(folder.c_str(), F_OK) != 0) folder = net::folder_of(folder);
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(Errc::config, "make " + path + ": " + folder + ": " + std::strerror(errno));
  return new_key(path);
}

Result<KeyHandle> generate(const std::string& path) {
  auto key = new_key(path);
  if (!key) return key;
  if (auto made = net::make_folder_of(path, kFolderMode); !made) return fail(Errc::config, made.error().detail);
  char* text = nullptr;
  if (ssh_pki_export_privkey_base64(key->get(), nullptr, nullptr, nullptr, &text) != SSH_OK) {
    return fail(Errc::config, "make " + path + ": the key could not be written down");
  }
  auto written = write_new(path, text, 0600);
  explicit_bzero(text, std::strlen(text));
  ssh_string_free_char(text);
  if (!written) return fail(written.error());
  char* encoded = nullptr;
  if (ssh_pki_export_pubkey_base64(key->get(), &encoded) == SSH_OK) {
    // A convenience for known_hosts files; the key works without it.
    static_cast<void>(write_new(path + ".pub", std::string{"ssh-ed25519 "} + encoded + "\n", 0644));
    ssh_string_free_char(encoded);
  }
  return key;
}

}  // namespace

Result<HostKeys> HostKeys::load(const std::vector<std::string>& files, Missing missing) {
  HostKeys loaded;
  for (const auto& file : files) {
    HostKey entry;
    entry.file = file;
    auto key = load_private_key(file);
    if (!key && key.error().code == Errc::not_found) {
      key = missing == Missing::make ? generate(file) : stand_in(file);
      entry.generated = true;
    }
    if (!key) return fail(Errc::config, "host key " + key.error().detail);
    if (!can_be_offered(*key)) {
      return fail(Errc::config, "host key " + file + ": must be of type ed25519, ecdsa or rsa");
    }
    entry.key = std::move(*key);
    entry.type = ssh_key_type_to_char(ssh_key_type(entry.key.get()));
    entry.fingerprint = fingerprint_of(public_blob_of(entry.key.get()));
    for (const auto& other : loaded.keys_)
      if (other.fingerprint == entry.fingerprint)
        return fail(Errc::config, "host key " + file + ": the same key as " + other.file);
    loaded.keys_.push_back(std::move(entry));
  }
  if (loaded.keys_.empty()) return fail(Errc::config, "no host key");
  return loaded;
}

}  // namespace sallyport::ssh
