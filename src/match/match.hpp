// Globs and networks, as routes, channel rules and authorized_keys use them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::config {

/// Whether `text` as a whole matches `pattern`: `*` is any number of bytes, `?` is one, everything else is itself.
/// Takes at most pattern × text steps, whatever the pattern: no backtracking into earlier stars.
bool glob_matches(std::string_view pattern, std::string_view text);

/// Whether a glob is of digits, dots and wildcards, with a digit: it speaks of addresses, and no name must be met by it.
bool is_numeric_glob(std::string_view pattern);

/// An IP address. An IPv4 address that came as ::ffff:1.2.3.4 is the IPv4 address.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  unsigned bits = 0;  ///< 32 or 128; the address is in the first bits/8 bytes
  bool operator==(const IpAddress&) const = default;
};

/// Reads a literal address, without brackets; a zone ("%eth0") is dropped.
std::optional<IpAddress> parse_ip(std::string_view text);

/// The address that a host's name is by itself, without a look-up. What getaddrinfo(3) takes for one counts, in the spellings
/// of inet_aton(3) too: `127.1` and `0x7f.1` are 127.0.0.1, `010.0.0.1` is 8.0.0.1. Nothing for a name, and with a zone.
std::optional<IpAddress> address_of_host(std::string_view host);

/// As inet_ntop(3) writes it.
std::string to_string(const IpAddress& address);

/// A block of addresses.
struct Network {
  IpAddress address;
  unsigned prefix = 0;

  /// An address of the other family is never inside.
  bool contains(const IpAddress& other) const;
};

/// Reads `10.0.0.0/8`, `fd00::/8` or a single address. Host bits must be zero: a slip there means something else than it says.
std::optional<Network> parse_network(std::string_view text);

}  // namespace sallyport::config
