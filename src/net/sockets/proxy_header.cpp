#include "net/sockets/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace sallyport::net {
namespace {

using Parsed = std::variant<ProxyHeader, ProxyHeaderIncomplete, ProxyHeaderBad>;
using Peer = ProxyHeader::Peer;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kMaxLine = 107;  // version 1, with CR LF
constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t kFixed = 16;  // version 2

/// Whether all of `bytes` could begin with `head`.
template <typename Head>
bool may_begin_with(ByteView bytes, const Head& head) {
  const std::size_t common = std::min(bytes.size(), head.size());
  return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(common), head.begin(),
                    [](std::uint8_t a, auto b) { return a == static_cast<std::uint8_t>(b); });
}

/// As inet_ntop() writes it, so that an address has one spelling.
std::optional<std::string> address_of(const char* text, int family) {
  std::array<std::uint8_t, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_pton(family, text, bytes.data()) != 1) return std::nullopt;
  if (inet_ntop(family, bytes.data(), out.data(), out.size()) == nullptr) return std::nullopt;
  return std::string(out.data());
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return port;
}

/// The next word; words are parted by one space each.
std::string take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  std::string word(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

Parsed parse_text(ByteView bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kMaxLine));
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kMaxLine) return ProxyHeaderBad{"a PROXY line that is too long"};
    return ProxyHeaderIncomplete{};
  }
  ProxyHeader header;
  header.length = end + 2;
  std::string_view line = text.substr(kText.size(), end - kText.size());
  if (std::any_of(line.begin(), line.end(), [](char c) { return c < 0x20 || c == 0x7f; }))
    return ProxyHeaderBad{"a malformed PROXY line"};
  const std::string protocol = take_word(line);
  if (protocol == "UNKNOWN") return header;
  if (protocol != "TCP4" && protocol != "TCP6") return ProxyHeaderBad{"a PROXY line for no TCP connection"};
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  const auto source = address_of(take_word(line).c_str(), family);
  const auto destination = address_of(take_word(line).c_str(), family);
  const auto source_port = port_of(take_word(line));
  const auto destination_port = port_of(line);
  if (!source || !destination || !source_port || !destination_port) return ProxyHeaderBad{"a malformed PROXY line"};
  header.source = Peer{*source, *source_port};
  header.destination = Peer{*destination, *destination_port};
  return header;
}

std::uint16_t uint16_at(ByteView bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]); }

std::optional<std::string> text_of(ByteView address, int family) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_ntop(family, address.data(), out.data(), out.size()) == nullptr) return std::nullopt;
  return std::string(out.data());
}

Parsed parse_binary(ByteView bytes) {
  if (bytes.size() < kFixed) return ProxyHeaderIncomplete{};
  ProxyHeader header;
  header.length = kFixed + uint16_at(bytes, 14);
  if (header.length > kMaxProxyHeader) return ProxyHeaderBad{"a PROXY header that is too long"};
  const std::uint8_t version_and_command = bytes[12];
  const std::uint8_t family_and_protocol = bytes[13];
  if (version_and_command != 0x20 && version_and_command != 0x21)
    return ProxyHeaderBad{"a PROXY header of an unknown version or command"};
  if (bytes.size() < header.length) return ProxyHeaderIncomplete{};
  const bool local = version_and_command == 0x20;
  if (local || family_and_protocol == 0x00) return header;
  const bool v4 = family_and_protocol == 0x11;
  if (!v4 && family_and_protocol != 0x21) return ProxyHeaderBad{"a PROXY header for no TCP connection"};
  const std::size_t width = v4 ? 4 : 16;
  const int family = v4 ? AF_INET : AF_INET6;
  if (header.length < kFixed + 2 * width + 4) return ProxyHeaderBad{"a malformed PROXY header"};
  const auto source = text_of(bytes.subspan(kFixed, width), family);
  const auto destination = text_of(bytes.subspan(kFixed + width, width), family);
  if (!source || !destination) return ProxyHeaderBad{"a malformed PROXY header"};
  header.source = Peer{*source, uint16_at(bytes, kFixed + 2 * width)};
  header.destination = Peer{*destination, uint16_at(bytes, kFixed + 2 * width + 2)};
  return header;
}

}  // namespace

Parsed parse_proxy_header(ByteView bytes) {
  if (bytes.empty()) return ProxyHeaderIncomplete{};
  if (may_begin_with(bytes, kSignature))
    return bytes.size() < kSignature.size() ? Parsed(ProxyHeaderIncomplete{}) : parse_binary(bytes);
  if (may_begin_with(bytes, kText)) return bytes.size() < kText.size() ? Parsed(ProxyHeaderIncomplete{}) : parse_text(bytes);
  return ProxyHeaderBad{"no PROXY header"};
}

}  // namespace sallyport::net
