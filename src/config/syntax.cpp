#include "config/syntax.hpp"

#include <fmt/format.h>

#include "match/forward_pattern.hpp"
#include "match/names.hpp"

namespace sallyport::config {
namespace {

constexpr std::array<std::string_view, 11> kChannelKinds{"session",
                                                         "session:shell",
                                                         "session:exec",
                                                         "session:subsystem",
                                                         "direct-tcpip",
                                                         "direct-streamlocal",
                                                         "forwarded-tcpip",
                                                         "forwarded-streamlocal",
                                                         "agent-connection",
                                                         "x11-connection",
                                                         "*"};

/// A string that `parse` makes a value of, or nothing of what isn't `expected`.
template <typename T, typename Parse>
bool read_parsed(TableReader& table, std::string_view key, T& out, Parse parse, std::string_view expected) {
  std::string text;
  const Node* const node = table.string(key, text);
  if (node == nullptr) return false;
  const auto parsed = parse(text);
  if (!parsed) {
    table.wrong(*node, expected);
    return false;
  }
  out = *parsed;
  return true;
}

}  // namespace

bool Size::read(TableReader& table, std::string_view key, std::uint32_t& out) const {
  std::uint64_t size = 0;
  if (table.size(key, size, min, max) == nullptr) return false;
  out = static_cast<std::uint32_t>(size);
  return true;
}

bool ForwardPatterns::read(TableReader& table, std::string_view key, std::vector<std::string>& out) const {
  const Node* node = table.strings(key, out);
  if (node == nullptr) return false;
  for (const Node& item : node->children) {
    if (parse_forward_pattern(item.text)) continue;
    table.complain(item, fmt::format("{}: found {}, expected {}", table.name_of(key), describe(item), kForwardPatternExpected));
  }
  return true;
}

bool ChannelTimeouts::read(TableReader& table, std::string_view key, std::map<std::string, Duration>& out) const {
  const Node* node = table.table(key);
  if (node == nullptr) return false;
  TableReader timeouts(node, table.name_of(key), *table.problems());
  out.clear();
  for (const std::string_view kind : kChannelKinds) {
    Duration timeout{};
    if (timeouts.duration(kind, timeout, Duration(0), kMaxDuration) != nullptr) out.emplace(kind, timeout);
  }
  timeouts.finish();
  return true;
}

Written ChannelTimeouts::written(const std::map<std::string, Duration>& value) const {
  std::map<std::string, std::string> texts;
  for (const auto& [kind, timeout] : value) texts.emplace(kind, format_duration(timeout));
  return texts;
}

bool Rate::read(TableReader& table, std::string_view key, BytesPerSecond& out) const {
  return read_parsed(table, key, out, parse_rate, "bytes a second, such as \"20MiB/s\", or \"none\"");
}

bool ForcedCommand::read(TableReader& table, std::string_view key, std::string& out) const {
  std::string command;
  const Node* node = table.string(key, command);
  if (node == nullptr) return false;
  if (command.empty()) {
    table.wrong(*node, "a command line");
    return false;
  }
  if (is_sftp_with_arguments(command)) {
    table.wrong(*node, "\"internal-sftp\" without arguments, which are not supported");
    return false;
  }
  out = std::move(command);
  return true;
}

bool Startups::read(TableReader& table, std::string_view key, MaxStartups& out) const {
  return read_parsed(table, key, out, parse_max_startups, "\"start:rate:full\", such as \"50:30:200\"");
}

Written Startups::written(MaxStartups value) const { return fmt::format("{}:{}:{}", value.start, value.rate, value.full); }

}  // namespace sallyport::config
