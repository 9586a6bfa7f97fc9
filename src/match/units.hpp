// Values with units, addresses with ports: reading them and writing them back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/config.hpp>

namespace sallyport::config {

/// The longest time that a configuration may name; beyond it, sums of times could overflow.
inline constexpr Duration kMaxDuration = std::chrono::hours(24 * 3650);

/// `250ms`, `30s`, `10m`, `12h`, `1d`, or several, the largest first: `1h30m`. `0s` is a duration, `30` is none.
std::optional<Duration> parse_duration(std::string_view text);
/// In the largest unit that leaves no remainder; parse_duration() reads it back.
std::string format_duration(Duration duration);

/// `512`, `64KiB`, `2MiB`, `1GiB`: bytes, in powers of 1024 alone, so that nobody has to guess.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t size);

/// A size with "/s" behind it, 1KiB/s at least, or "none".
std::optional<BytesPerSecond> parse_rate(std::string_view text);
std::string format_rate(BytesPerSecond rate);

struct HostPort {
  std::string host;  ///< without brackets; may be empty
  std::optional<std::uint16_t> port;
};

/// `host`, `host:22`, `[::1]:22` or `::1`. The host itself is not judged.
std::optional<HostPort> parse_host_port(std::string_view text);
/// With brackets where they are needed.
std::string format_host_port(std::string_view host, std::uint16_t port);

/// `start:rate:full`, as sshd's: 1 <= start <= full, rate from 1 to 100.
std::optional<MaxStartups> parse_max_startups(std::string_view text);

}  // namespace sallyport::config
