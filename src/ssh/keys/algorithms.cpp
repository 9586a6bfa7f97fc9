#include "ssh/keys/algorithms.hpp"

#include <libssh/libssh.h>

#include <algorithm>

#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

const Names& default_kex() {
  static const Names names{"mlkem768x25519-sha256", "sntrup761x25519-sha512",       "sntrup761x25519-sha512@openssh.com",
                           "curve25519-sha256",     "curve25519-sha256@libssh.org", "diffie-hellman-group14-sha256"};
  return names;
}

const Names& default_upstream_kex() {
  static const Names names = joined(default_kex(), {"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"});
  return names;
}

const Names& default_ciphers() {
  // The client's order counts, so this is the one towards targets: AES-GCM costs a bastion the least.
  static const Names names{"aes128-gcm@openssh.com",
                           "aes256-gcm@openssh.com",
                           "chacha20-poly1305@openssh.com",
                           "aes128-ctr",
                           "aes192-ctr",
                           "aes256-ctr"};
  return names;
}

const Names& default_macs() {
  // The others are for libssh2 up to 1.10, that of Debian 12's curl, which has no encrypt-then-MAC.
  static const Names names{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"};
  return names;
}

const Names& default_host_keys() {
  static const Names names{"ssh-ed25519",         "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                           "ecdsa-sha2-nistp521", "rsa-sha2-512",        "rsa-sha2-256"};
  return names;
}

const Names& user_signature_algorithms() {
  static const Names names{
      "ssh-ed25519",         "sk-ssh-ed25519@openssh.com",         "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512",        "rsa-sha2-256"};
  return names;
}

const LegacyAlgorithms& legacy_algorithms() {
  // SHA-2 with a group of the server's is better than what is behind it, and some have nothing else.
  static const LegacyAlgorithms algorithms{.kex = {"diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1",
                                                   "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"},
                                           .ciphers = {"aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"},
                                           .macs = {"hmac-sha1-etm@openssh.com", "hmac-sha1"},
                                           .host_keys = {"ssh-rsa"}};
  return algorithms;
}

bool signs_by(std::string_view key_type, std::string_view algorithm) {
  return algorithm == key_type || (key_type == "ssh-rsa" && algorithm.starts_with("rsa-sha2-"));
}

Names joined(Names first, const Names& more) {
  for (const std::string& name : more)
    if (std::find(first.begin(), first.end(), name) == first.end()) first.push_back(name);
  return first;
}

const UserKeyAlgorithm* user_key_algorithm(std::string_view name) {
  static const std::vector<UserKeyAlgorithm> algorithms = [] {
    constexpr std::string_view kVendor = "@openssh.com";
    std::vector<UserKeyAlgorithm> made;
    for (const auto& signature : user_signature_algorithms()) {
      const std::string type = signature.starts_with("rsa-") ? "ssh-rsa" : signature;
      const auto certificate = [kVendor](std::string plain) {
        if (plain.ends_with(kVendor)) plain.resize(plain.size() - kVendor.size());
        return plain + "-cert-v01" + std::string{kVendor};
      };
      made.push_back({signature, type, signature});
      made.push_back({certificate(signature), certificate(type), signature});
    }
    return made;
  }();
  const auto found =
      std::find_if(algorithms.begin(), algorithms.end(), [name](const UserKeyAlgorithm& one) { return one.name == name; });
  return found == algorithms.end() ? nullptr : &*found;
}

std::string name_list(const Names& names) {
  std::string list;
  for (const auto& name : names) {
    if (!list.empty()) list += ',';
    list += name;
  }
  return list;
}

std::string nothing_in_common(std::string_view detail) {
  std::string told = "no algorithm in common";
  // "kex error : no match for method server host key algo: server [ssh-dss], client [...]"
  constexpr std::string_view kServer = "server [";
  const std::size_t begin = detail.find(kServer);
  if (begin == std::string_view::npos) return told;
  std::string_view names = detail.substr(begin + kServer.size());
  names = names.substr(0, names.find(']'));
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    if (!name.starts_with("ssh-dss") && name.find("md5") == std::string_view::npos) return told;
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return told + ": it has ssh-dss or MD5 alone, which libssh doesn't have any more";
}

Result<> check_algorithms(const Algorithms& algorithms) {
  auto scratch = new_session();
  if (!scratch) return fail(scratch.error());
  const struct {
    const char* what;
    const std::optional<Names>& names;
    ssh_options_e option;
  } kinds[] = {{"key exchange method", algorithms.kex, SSH_OPTIONS_KEY_EXCHANGE},
               {"cipher", algorithms.ciphers, SSH_OPTIONS_CIPHERS_C_S},
               {"MAC", algorithms.macs, SSH_OPTIONS_HMAC_C_S},
               {"host key type", algorithms.host_keys, SSH_OPTIONS_HOSTKEYS}};
  for (const auto& kind : kinds) {
    if (!kind.names) continue;
    // libssh drops unknown names from a list without a word: one by one it can't. A list operator isn't a name.
    for (const auto& name : *kind.names) {
      const bool plain = !name.empty() && name.find_first_of("+-^,") != 0 && name.find(',') == std::string::npos;
      if (!plain || ssh_options_set(scratch->get(), kind.option, name.c_str()) != SSH_OK) {
        return fail(Errc::config, std::string{"this build of libssh has no "} + kind.what + " \"" + name + "\"");
      }
    }
  }
  return {};
}

}  // namespace sallyport::ssh
