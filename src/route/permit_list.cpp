#include "route/permit_list.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace sallyport::route {
namespace {

constexpr std::string_view kAny = "*";
constexpr std::uint32_t kLastPort = 65535;

struct Entry {
  std::string_view host;
  std::optional<std::uint32_t> port;  ///< absent: any
};

/// Nothing when it can't be read: then it permits nothing.
std::optional<Entry> parse(std::string_view text, bool bare_port) {
  Entry entry{kAny, std::nullopt};
  std::string_view port = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    entry.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (entry.host.size() >= 2 && entry.host.front() == '[' && entry.host.back() == ']')
      entry.host = entry.host.substr(1, entry.host.size() - 2);
  } else if (!bare_port) {
    return std::nullopt;
  }
  if (entry.host.empty()) return std::nullopt;
  if (port == kAny) return entry;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > kLastPort) return std::nullopt;
  entry.port = number;
  return entry;
}

bool permits(const std::vector<std::string>& list, const Destination& place, bool bare_port) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& text) {
    const auto entry = parse(text, bare_port);
    if (!entry) return false;
    if (place.is_socket) return entry->host == kAny && !entry->port;
    return (entry->host == kAny || entry->host == place.host) && (!entry->port || *entry->port == place.port);
  });
}

}  // namespace

bool permits_open(const std::vector<std::string>& list, const Destination& destination) {
  return permits(list, destination, false);
}

bool permits_listen(const std::vector<std::string>& list, const Destination& address) { return permits(list, address, true); }

}  // namespace sallyport::route
