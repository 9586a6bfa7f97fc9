// The algorithms that we offer.
#pragma once

#include <string>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/result.hpp>

namespace sallyport::ssh {

using Names = std::vector<std::string>;

/// What `[algorithms]` leaves out. Post-quantum key exchange comes first; group exchange and the large groups cost the
/// server a hundred times as much as the rest and are left out.
const Names& default_kex();
const Names& default_ciphers();
const Names& default_macs();
const Names& default_host_keys();
/// Of clients' signatures. Certificates aren't among them.
const Names& user_key_algorithms();

/// As the protocol writes lists (RFC 4251, 5).
std::string name_list(const Names& names);

/// Errc::config, naming the first algorithm that libssh doesn't have.
Result<> check_algorithms(const Algorithms& algorithms);

}  // namespace sallyport::ssh
