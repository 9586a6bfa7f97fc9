#include "match/units.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sallyport::config {
namespace {

struct TimeUnit {
  std::string_view name;
  Duration length;
};
constexpr std::array<TimeUnit, 5> kTimeUnits{{{"d", std::chrono::hours(24)},
                                              {"h", std::chrono::hours(1)},
                                              {"m", std::chrono::minutes(1)},
                                              {"s", std::chrono::seconds(1)},
                                              {"ms", Duration(1)}}};

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<SizeUnit, 4> kSizeUnits{{{"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}, {"", 1}}};

/// Takes the digits in front of `text`; nothing when there are none or too many.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  Duration sum(0);
  std::size_t next_unit = 0;
  do {
    const auto value = take_number(text);
    if (!value) return std::nullopt;
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    std::size_t unit = next_unit;
    while (unit < kTimeUnits.size() && kTimeUnits[unit].name != name) ++unit;
    if (unit == kTimeUnits.size()) return std::nullopt;
    if (*value > static_cast<std::uint64_t>(kMaxDuration / kTimeUnits[unit].length)) return std::nullopt;
    sum += kTimeUnits[unit].length * static_cast<std::int64_t>(*value);
    if (sum > kMaxDuration) return std::nullopt;
    text.remove_prefix(name.size());
    next_unit = unit + 1;
  } while (!text.empty());
  return sum;
}

std::string format_duration(Duration duration) {
  if (duration == Duration(0)) return "0s";
  for (const TimeUnit& unit : kTimeUnits) {
    if (duration % unit.length == Duration(0)) return fmt::format("{}{}", duration / unit.length, unit.name);
  }
  return fmt::format("{}ms", duration.count());
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto value = take_number(text);
  if (!value) return std::nullopt;
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name == text) {
      if (*value > (1ULL << 40U) / unit.bytes) return std::nullopt;
      return *value * unit.bytes;
    }
  }
  return std::nullopt;
}

std::string format_size(std::uint64_t size) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (size != 0 && size % unit.bytes == 0) return fmt::format("{}{}", size / unit.bytes, unit.name);
  }
  return "0";
}

std::optional<BytesPerSecond> parse_rate(std::string_view text) {
  constexpr std::string_view kPerSecond = "/s";
  constexpr std::uint64_t kLeast = 1024;
  if (text == "none") return BytesPerSecond{};
  if (!text.ends_with(kPerSecond)) return std::nullopt;
  text.remove_suffix(kPerSecond.size());
  const auto size = parse_size(text);
  if (!size || *size < kLeast) return std::nullopt;
  return BytesPerSecond{*size};
}

std::string format_rate(BytesPerSecond rate) {
  return rate == BytesPerSecond{} ? "none" : format_size(static_cast<std::uint64_t>(rate)) + "/s";
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort result;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    result.host = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    if (text.empty()) return result;
    if (text.front() != ':') return std::nullopt;
    port = text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
      result.host = std::string(text);  // a name, or an IPv6 address without a port
      return result;
    }
    result.host = std::string(text.substr(0, colon));
    port = text.substr(colon + 1);
  }
  result.port = whole_number<std::uint16_t>(port);
  if (!result.port) return std::nullopt;
  return result;
}

std::string format_host_port(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::optional<MaxStartups> parse_max_startups(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto start = whole_number<std::uint32_t>(text.substr(0, first));
  const auto rate = whole_number<std::uint32_t>(text.substr(first + 1, second - first - 1));
  const auto full = whole_number<std::uint32_t>(text.substr(second + 1));
  if (!start || !rate || !full || *start < 1 || *start > *full || *rate < 1 || *rate > 100) return std::nullopt;
  return MaxStartups{*start, *rate, *full};
}

}  // namespace sallyport::config
