// What everybody includes in order to log: a line, a level, and nothing of spdlog.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include <sallyport/config.hpp>
#include <sallyport/ids.hpp>

#include "log/escape.hpp"

namespace sallyport::log {

using Level = LogLevel;

/// The enumerator's name.
[[nodiscard]] std::string_view level_name(Level level);

/// "c1", "t1", "h1": how ids look in logs, audit events and for sallyportctl. `{}` formats them like this too.
[[nodiscard]] std::string to_string(ConnectionId id);
[[nodiscard]] std::string to_string(TrunkId id);
[[nodiscard]] std::string to_string(ForwardId id);
[[nodiscard]] std::string to_string(ChannelId id);

/// Takes one event a line: `conn=… chan=…` first, then a fixed phrase and key=value. Texts are taken for a peer's and escaped,
/// but for those in plain() or escaped(); secrets never go in. error: someone must act; warn: may need to; info: a connection's
/// life; debug: transitions. Any thread may log; it never waits. A line that is longer than kLineBytes is cut, with "…" behind
/// it.
class Logger {
 public:
  static constexpr std::size_t kLineBytes = 4096;

  virtual ~Logger() = default;
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  Level level() const { return level_.load(std::memory_order_relaxed); }
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }

  template <typename... Args>
  void trace(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    log(Level::trace, format, shown(args)...);
  }
  template <typename... Args>
  void debug(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    log(Level::debug, format, shown(args)...);
  }
  template <typename... Args>
  void info(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    log(Level::info, format, shown(args)...);
  }
  template <typename... Args>
  void warn(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    log(Level::warn, format, shown(args)...);
  }
  template <typename... Args>
  void error(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    log(Level::error, format, shown(args)...);
  }

  /// A line that is finished, without its end.
  void put(Level level, std::string_view line);

 protected:
  explicit Logger(Level level = Level::info) : level_(level) {}
  /// Takes one finished line, without its end. `line` is gone when the call returns.
  virtual void write(Level level, std::string_view line) = 0;

 private:
  template <typename... Args>
  void log(Level level, fmt::string_view format, const Args&... args) {  // as shown() gives them
    if (enabled(level)) format_and_write(level, format, fmt::make_format_args(args...));
  }
  void format_and_write(Level level, fmt::string_view format, fmt::format_args args);

  std::atomic<Level> level_;
};

/// Drops everything; for tests and tools.
class NullLogger final : public Logger {
 public:
  NullLogger() : Logger(Level::error) {}

 protected:
  void write(Level, std::string_view) override {}
};

}  // namespace sallyport::log

/// Ids format as their letter and number.
template <>
struct fmt::formatter<sallyport::ConnectionId> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(sallyport::ConnectionId id, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<sallyport::TrunkId> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(sallyport::TrunkId id, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<sallyport::ForwardId> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(sallyport::ForwardId id, fmt::format_context& context) const;
};
template <>
struct fmt::formatter<sallyport::ChannelId> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(sallyport::ChannelId id, fmt::format_context& context) const;
};
