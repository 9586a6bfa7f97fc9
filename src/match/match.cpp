#include "match/match.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "match/glob_walk.hpp"

namespace sallyport::config {

bool glob_matches(std::string_view pattern, std::string_view text) {
  return walk_glob(pattern, text, [](char, std::size_t) { return true; });
}

bool is_numeric_glob(std::string_view pattern) {
  return pattern.find_first_not_of("0123456789.*?") == std::string_view::npos &&
         pattern.find_first_of("0123456789") != std::string_view::npos;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string literal(text.substr(0, text.find('%')));
  if (literal.size() != text.size() && literal.find(':') == std::string::npos) return std::nullopt;  // no zones in IPv4
  if (literal.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  in_addr v4{};
  if (inet_pton(AF_INET, literal.c_str(), &v4) == 1) {
    std::memcpy(address.bytes.data(), &v4, sizeof v4);
    address.bits = 32;
    return address;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, literal.c_str(), &v6) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    std::memcpy(address.bytes.data(), v6.s6_addr + 12, 4);
    address.bits = 32;
  } else {
    std::memcpy(address.bytes.data(), v6.s6_addr, sizeof v6.s6_addr);
    address.bits = 128;
  }
  return address;
}

std::optional<IpAddress> address_of_host(std::string_view host) {
  // inet_aton() would stop at a space and overlook what follows.
  if (host.find_first_of(std::string_view("% \t\r\n\v\f\0", 8)) != std::string_view::npos) return std::nullopt;
  if (auto address = parse_ip(host)) return address;
  in_addr v4{};
  if (inet_aton(std::string(host).c_str(), &v4) == 0) return std::nullopt;
  IpAddress address;
  std::memcpy(address.bytes.data(), &v4, sizeof v4);
  address.bits = 32;
  return address;
}

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address.bits == 32 ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text);
  return text;
}

namespace {

/// The first `prefix` bits of `address`, the rest zero.
IpAddress masked(IpAddress address, unsigned prefix) {
  for (unsigned i = 0; i < address.bytes.size(); ++i) {
    const unsigned keep = prefix <= 8 * i ? 0 : std::min(8U, prefix - 8 * i);
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00U >> keep));
  }
  return address;
}

}  // namespace

bool Network::contains(const IpAddress& other) const { return address.bits == other.bits && masked(other, prefix) == address; }

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address || text.substr(0, slash).find('%') != std::string_view::npos) return std::nullopt;
  Network network{*address, address->bits};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix);
    if (error != std::errc() || end != digits.data() + digits.size() || network.prefix > address->bits) return std::nullopt;
  }
  if (masked(network.address, network.prefix) != network.address) return std::nullopt;
  return network;
}

}  // namespace sallyport::config
