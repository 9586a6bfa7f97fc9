#include "match/forward_pattern.hpp"

#include <algorithm>
#include <charconv>

#include "match/match.hpp"

namespace sallyport::config {
namespace {

constexpr std::uint16_t kLastPort = 65535;

std::string lower_case(std::string_view text) {
  std::string out(text);
  // ASCII alone, whatever the locale: host names have no other letters.
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool set_ports(ForwardPattern& pattern, std::string_view text) {
  if (text == "*") {
    pattern.first_port = 0;
    pattern.last_port = kLastPort;
    return true;
  }
  const std::size_t dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return false;
  pattern.first_port = *first;
  pattern.last_port = *last;
  return true;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != '\x7f'; });
}

/// Takes HOST apart: "[fd00::1]", "[fd00::]/8", "[fd00::/8]", "10.0.0.0/8", "db", "*.internal".
bool set_host(ForwardPattern& pattern, std::string_view text) {
  std::string_view bits;  // "/8"
  const bool in_brackets = !text.empty() && text.front() == '[';
  if (in_brackets) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    bits = text.substr(end + 1);
    text = text.substr(1, end - 1);
    if (!bits.empty() && bits.front() != '/') return false;
  }
  if (text.empty() || text.find_first_of("[]") != std::string_view::npos) return false;
  if (!in_brackets && text.find(':') != std::string_view::npos) return false;
  if (!bits.empty() || text.find('/') != std::string_view::npos) {
    const auto network = parse_network(std::string(text) + std::string(bits));
    if (!network) return false;
    pattern.kind = ForwardPattern::Kind::network;
    pattern.network = *network;
    return true;
  }
  pattern.text = lower_case(text);
  if (const auto address = address_of_host(pattern.text)) {
    pattern.kind = ForwardPattern::Kind::network;
    pattern.network = {*address, address->bits};
  } else if (is_numeric_glob(pattern.text) || pattern.text.find(':') != std::string::npos) {
    pattern.kind = ForwardPattern::Kind::addresses;
  } else {
    // Of wildcards and dots alone nobody can say what it is meant for.
    const bool is_open = pattern.text.find_first_not_of("*?.") == std::string::npos;
    pattern.kind = is_open ? ForwardPattern::Kind::hosts : ForwardPattern::Kind::names;
  }
  return true;
}

}  // namespace

std::optional<ForwardPattern> parse_forward_pattern(std::string_view text) {
  if (text == "*") return ForwardPattern{};
  ForwardPattern pattern;
  if (text.empty()) return std::nullopt;
  if (text.front() == '/') {
    pattern.kind = ForwardPattern::Kind::sockets;
    pattern.text = text;
    return pattern;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_printable(text)) return std::nullopt;
  if (!set_host(pattern, text.substr(0, colon)) || !set_ports(pattern, text.substr(colon + 1))) return std::nullopt;
  return pattern;
}

bool matches_port(const ForwardPattern& pattern, std::string_view host, std::uint32_t port) {
  using Kind = ForwardPattern::Kind;
  if (pattern.kind == Kind::everything) return true;
  if (pattern.kind == Kind::sockets || port < pattern.first_port || port > pattern.last_port) return false;
  if (pattern.text == "*") return true;
  const std::string name = lower_case(host);
  // A zone ("fe80::1%eth0") says which network is meant, and isn't part of the name: no glob must be met by it.
  if (name.find('%') != std::string::npos) return pattern.text == name;
  const auto address = address_of_host(name);
  switch (pattern.kind) {
    case Kind::network: return address && pattern.network.contains(*address);
    case Kind::addresses: return address && glob_matches(pattern.text, to_string(*address));
    case Kind::names: return !address && glob_matches(pattern.text, name);
    default: return glob_matches(pattern.text, address ? to_string(*address) : name);
  }
}

bool matches_socket(const ForwardPattern& pattern, std::string_view path) {
  if (pattern.kind == ForwardPattern::Kind::everything) return true;
  return pattern.kind == ForwardPattern::Kind::sockets && glob_matches(pattern.text, path);
}

}  // namespace sallyport::config
