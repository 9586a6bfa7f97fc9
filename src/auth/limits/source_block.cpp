#include "auth/limits/source_block.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "match/match.hpp"

namespace sallyport::auth {

std::string source_block(std::string_view address, const Limits& limits) {
  auto ip = config::parse_ip(address);
  if (!ip) return "unknown";
  const bool v6 = ip->bits == 128;
  const unsigned prefix = std::min<unsigned>(v6 ? limits.source_prefix_ipv6 : limits.source_prefix_ipv4, ip->bits);
  for (unsigned bit = prefix; bit < ip->bits; ++bit) {
    std::uint8_t& byte = ip->bytes[bit / 8];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(v6 ? AF_INET6 : AF_INET, ip->bytes.data(), text.data(), text.size()) == nullptr) return "unknown";
  return std::string(text.data()) + "/" + std::to_string(prefix);
}

}  // namespace sallyport::auth
