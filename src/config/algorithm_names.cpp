#include "config/algorithm_names.hpp"

namespace sallyport::config {

// The CBC modes, 3DES, "none" and the groups with SHA-1 are left out on purpose: no bastion should offer them, and old targets
// get them by legacy_algorithms.

const std::vector<std::string_view>& known_kex() {
  static const std::vector<std::string_view> names{
      "mlkem768x25519-sha256",
      "mlkem768nistp256-sha256",
      "mlkem1024nistp384-sha384",
      "sntrup761x25519-sha512",
      "sntrup761x25519-sha512@openssh.com",
      "curve25519-sha256",
      "curve25519-sha256@libssh.org",
      "ecdh-sha2-nistp256",
      "ecdh-sha2-nistp384",
      "ecdh-sha2-nistp521",
      "diffie-hellman-group18-sha512",
      "diffie-hellman-group16-sha512",
      "diffie-hellman-group-exchange-sha256",
      "diffie-hellman-group14-sha256",
  };
  return names;
}

const std::vector<std::string_view>& known_ciphers() {
  static const std::vector<std::string_view> names{
      "chacha20-poly1305@openssh.com",
      "aes256-gcm@openssh.com",
      "aes128-gcm@openssh.com",
      "aes256-ctr",
      "aes192-ctr",
      "aes128-ctr",
  };
  return names;
}

const std::vector<std::string_view>& known_macs() {
  static const std::vector<std::string_view> names{
      "hmac-sha2-256-etm@openssh.com",
      "hmac-sha2-512-etm@openssh.com",
      "hmac-sha1-etm@openssh.com",
      "hmac-sha2-256",
      "hmac-sha2-512",
      "hmac-sha1",
  };
  return names;
}

const std::vector<std::string_view>& known_host_keys() {
  static const std::vector<std::string_view> names{
      "ssh-ed25519",  "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",        "ecdsa-sha2-nistp521",
      "rsa-sha2-512", "rsa-sha2-256",        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
  };
  return names;
}

const std::vector<std::string_view>& legacy_names() {
  static const std::vector<std::string_view> names{
      "diffie-hellman-group-exchange-sha1",
      "diffie-hellman-group14-sha1",
      "diffie-hellman-group1-sha1",
      "ssh-rsa",
      "aes256-cbc",
      "aes192-cbc",
      "aes128-cbc",
      "3des-cbc",
  };
  return names;
}

}  // namespace sallyport::config
