// How the values of keys stand in the file: each kind reads one, and says how it is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <sallyport/config.hpp>

#include "config/table_reader.hpp"
#include "match/units.hpp"

namespace sallyport::config {

/// A value as the file has it, where times, sizes and words are strings.
using Written = std::variant<bool, std::uint32_t, std::string, std::vector<std::string>, std::map<std::string, std::string>>;

// Each kind has two functions:
// - read() takes the key's value; false, and `out` as it was, when it is absent or wrong, which goes to the table's problems;
// - written() is what read() would take for the same value.

/// true or false
struct Switch {
  bool read(TableReader& table, std::string_view key, bool& out) const { return table.boolean(key, out) != nullptr; }
  Written written(bool value) const { return value; }
};

struct Number {
  std::uint32_t min = 0;
  std::uint32_t max = 1000000;
  bool read(TableReader& table, std::string_view key, std::uint32_t& out) const {
    return table.number(key, out, min, max) != nullptr;
  }
  Written written(std::uint32_t value) const { return value; }
};

struct Time {
  Duration min{};
  Duration max = kMaxDuration;
  bool read(TableReader& table, std::string_view key, Duration& out) const {
    return table.duration(key, out, min, max) != nullptr;
  }
  Written written(Duration value) const { return format_duration(value); }
};

/// Bytes.
struct Size {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool read(TableReader& table, std::string_view key, std::uint32_t& out) const;
  Written written(std::uint32_t value) const { return format_size(value); }
};

/// One of a few.
template <typename T, std::size_t N>
struct Word {
  std::array<std::pair<std::string_view, T>, N> words;
  bool only_first = false;  ///< the others are of a version to come
  bool read(TableReader& table, std::string_view key, T& out) const {
    T value = out;
    if (table.word<T>(key, value, words) == nullptr) return false;
    if (only_first && value != words.front().second) {
      table.not_yet(key);
      return false;
    }
    out = value;
    return true;
  }
  /// Every value has its word.
  std::string_view word(T value) const {
    for (const auto& [text, meaning] : words)
      if (meaning == value) return text;
    return words.front().first;
  }
  Written written(T value) const { return std::string(word(value)); }
};

/// A path; the word "-" is one as well.
struct PathOrDash {
  bool read(TableReader& table, std::string_view key, std::string& out) const { return table.path(key, out, true) != nullptr; }
  Written written(const std::string& value) const { return value; }
};

/// A list of strings that aren't empty.
struct Texts {
  bool read(TableReader& table, std::string_view key, std::vector<std::string>& out) const {
    return table.strings(key, out) != nullptr;
  }
  Written written(const std::vector<std::string>& value) const { return value; }
};

struct Networks {
  bool read(TableReader& table, std::string_view key, std::vector<std::string>& out) const {
    return table.networks(key, out) != nullptr;
  }
  Written written(const std::vector<std::string>& value) const { return value; }
};

/// A list of what parse_forward_pattern() reads.
struct ForwardPatterns {
  bool read(TableReader& table, std::string_view key, std::vector<std::string>& out) const;
  Written written(const std::vector<std::string>& value) const { return value; }
};

/// A table of times by kinds of channels.
struct ChannelTimeouts {
  bool read(TableReader& table, std::string_view key, std::map<std::string, Duration>& out) const;
  Written written(const std::map<std::string, Duration>& value) const;
};

struct Rate {
  bool read(TableReader& table, std::string_view key, BytesPerSecond& out) const;
  Written written(BytesPerSecond value) const { return format_rate(value); }
};

/// What takes the place of a program.
struct ForcedCommand {
  bool read(TableReader& table, std::string_view key, std::string& out) const;
  Written written(const std::string& value) const { return value; }
};

/// "start:rate:full"
struct Startups {
  bool read(TableReader& table, std::string_view key, MaxStartups& out) const;
  Written written(MaxStartups value) const;
};

/// Reads into an option that may be absent, which it stays without the key.
template <typename Syntax, typename T>
bool read(const Syntax& syntax, TableReader& table, std::string_view key, T& out) {
  return syntax.read(table, key, out);
}
template <typename Syntax, typename T>
bool read(const Syntax& syntax, TableReader& table, std::string_view key, std::optional<T>& out) {
  T value{};
  if (!syntax.read(table, key, value)) return false;
  out = std::move(value);
  return true;
}

/// Nothing for a value that is absent.
template <typename Syntax, typename T>
std::optional<Written> written(const Syntax& syntax, const T& value) {
  return syntax.written(value);
}
template <typename Syntax, typename T>
std::optional<Written> written(const Syntax& syntax, const std::optional<T>& value) {
  return value ? std::optional<Written>(syntax.written(*value)) : std::nullopt;
}

}  // namespace sallyport::config
