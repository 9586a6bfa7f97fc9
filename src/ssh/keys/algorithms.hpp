// The algorithms that we offer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

namespace sallyport::ssh {

using Names = std::vector<std::string>;

/// What `[algorithms]` leaves out. Post-quantum key exchange comes first; group exchange and the large groups cost the
/// server a hundred times as much as the rest and are left out.
const Names& default_kex();
/// The same toward targets, some of which have the NIST curves alone: these come last.
const Names& default_upstream_kex();
const Names& default_ciphers();
const Names& default_macs();
const Names& default_host_keys();
/// Of clients' signatures.
const Names& user_signature_algorithms();

/// What a target with `legacy_algorithms` is offered behind the rest, of each kind.
struct LegacyAlgorithms {
  Names kex;
  Names ciphers;
  Names macs;
  Names host_keys;
  int min_rsa_size = 1024;  ///< bits of a host key, and of ours
};
const LegacyAlgorithms& legacy_algorithms();

/// Whether a key of that type makes signatures by that algorithm: of RSA keys' there are several (RFC 8332).
bool signs_by(std::string_view key_type, std::string_view algorithm);

/// The names of `first`, then those of `more` that aren't among them.
Names joined(Names first, const Names& more);

/// With what a client may prove who it is, by a key or by a certificate for one.
struct UserKeyAlgorithm {
  std::string name;       ///< as the request names it: "rsa-sha2-512-cert-v01@openssh.com"
  std::string blob_type;  ///< of the key or the certificate: "ssh-rsa-cert-v01@openssh.com"
  std::string signature;  ///< of the signature: "rsa-sha2-512"
};
/// Null for a name that we don't take.
const UserKeyAlgorithm* user_key_algorithm(std::string_view name);

/// As the protocol writes lists (RFC 4251, 5).
std::string name_list(const Names& names);

/// What a client is told when there was none in common; `detail` is libssh's text. Says of a server that has only what no libssh
/// has that it is so.
std::string nothing_in_common(std::string_view detail);

/// Errc::config, naming the first algorithm that libssh, as it was built, doesn't have.
Result<> check_algorithms(const Algorithms& algorithms);

}  // namespace sallyport::ssh
