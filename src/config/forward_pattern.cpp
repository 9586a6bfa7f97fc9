#include "config/forward_pattern.hpp"

#include <algorithm>
#include <charconv>

#include "config/match.hpp"

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

/// "[fd00::1]", "db", "*.internal": without the brackets, and nothing when they are not where they belong.
std::optional<std::string_view> host_of(std::string_view text) {
  const bool in_brackets = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (in_brackets) text = text.substr(1, text.size() - 2);
  if (text.empty() || text.find_first_of("[]/") != std::string_view::npos) return std::nullopt;
  if (!in_brackets && text.find(':') != std::string_view::npos) return std::nullopt;
  return text;
}

}  // namespace

std::optional<ForwardPattern> parse_forward_pattern(std::string_view text) {
  if (text == "*") return ForwardPattern{};
  ForwardPattern pattern;
  if (text.empty()) return std::nullopt;
  if (text.front() == '/') {
    pattern.kind = ForwardPattern::Kind::socket;
    pattern.text = text;
    return pattern;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_printable(text)) return std::nullopt;
  const auto host = host_of(text.substr(0, colon));
  if (!host || !set_ports(pattern, text.substr(colon + 1))) return std::nullopt;
  pattern.kind = ForwardPattern::Kind::ports;
  pattern.text = lower_case(*host);
  return pattern;
}

bool matches_port(const ForwardPattern& pattern, std::string_view host, std::uint32_t port) {
  if (pattern.kind == ForwardPattern::Kind::everything) return true;
  if (pattern.kind != ForwardPattern::Kind::ports) return false;
  if (port < pattern.first_port || port > pattern.last_port) return false;
  const std::string name = lower_case(host);
  // A zone ("fe80::1%eth0") says which network is meant, and isn't part of the name: no glob must be met by it.
  if (name.find('%') != std::string::npos) return pattern.text == "*" || pattern.text == name;
  if (glob_matches(pattern.text, name)) return true;
  const auto address = parse_ip(name);
  return address && parse_ip(pattern.text) == address;
}

bool matches_socket(const ForwardPattern& pattern, std::string_view path) {
  if (pattern.kind == ForwardPattern::Kind::everything) return true;
  return pattern.kind == ForwardPattern::Kind::socket && glob_matches(pattern.text, path);
}

}  // namespace sallyport::config
