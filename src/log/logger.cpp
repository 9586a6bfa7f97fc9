#include "log/logger.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace sallyport::log {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"trace", "debug", "info", "warn", "error"};

template <typename Id>
std::string lettered(char letter, Id id) {
  std::string text(1, letter);
  return text += std::to_string(number(id));
}

template <typename Id>
fmt::format_context::iterator put(Id id, fmt::format_context& context) {
  const std::string text = to_string(id);
  return std::copy(text.begin(), text.end(), context.out());
}

}  // namespace

std::string_view level_name(Level level) { return kLevelNames[static_cast<std::size_t>(level)]; }

std::string to_string(ConnectionId id) { return lettered('c', id); }
std::string to_string(TrunkId id) { return lettered('t', id); }
std::string to_string(ForwardId id) { return lettered('f', id); }
std::string to_string(ChannelId id) { return lettered('h', id); }

void Logger::format_and_write(Level level, fmt::string_view format, fmt::format_args args) {
  fmt::memory_buffer line;
  fmt::vformat_to(std::back_inserter(line), format, args);
  put(level, {line.data(), line.size()});
}

void Logger::put(Level level, std::string_view line) {
  if (!enabled(level)) return;
  if (line.size() <= kLineBytes) return write(level, line);
  std::size_t cut = kLineBytes;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xc0) == 0x80) --cut;  // between two characters
  write(level, std::string(line.substr(0, cut)) + "…");
}

}  // namespace sallyport::log

fmt::format_context::iterator fmt::formatter<sallyport::ConnectionId>::format(sallyport::ConnectionId id,
                                                                              fmt::format_context& context) const {
  return sallyport::log::put(id, context);
}
fmt::format_context::iterator fmt::formatter<sallyport::TrunkId>::format(sallyport::TrunkId id,
                                                                         fmt::format_context& context) const {
  return sallyport::log::put(id, context);
}
fmt::format_context::iterator fmt::formatter<sallyport::ForwardId>::format(sallyport::ForwardId id,
                                                                           fmt::format_context& context) const {
  return sallyport::log::put(id, context);
}
fmt::format_context::iterator fmt::formatter<sallyport::ChannelId>::format(sallyport::ChannelId id,
                                                                           fmt::format_context& context) const {
  return sallyport::log::put(id, context);
}
