// The names that libssh 0.12 knows, so that a slip in [algorithms] is found by -t and not by the first client.
#pragma once

#include <string_view>
#include <vector>

namespace sallyport::config {

const std::vector<std::string_view>& known_kex();
const std::vector<std::string_view>& known_ciphers();
const std::vector<std::string_view>& known_macs();
const std::vector<std::string_view>& known_host_keys();
/// What only a target with `legacy_algorithms` is offered.
const std::vector<std::string_view>& legacy_names();

}  // namespace sallyport::config
