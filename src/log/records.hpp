// How much the log and the audit trail take of what peers cause as often as they like.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/audit.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/ids.hpp>

#include "log/logger.hpp"

namespace sallyport::log {

/// The log and the audit trail as one, with rates. A full disk keeps everybody out, so whoever can cause an event for nothing
/// (a refusal, a failed login, an empty channel) has so many bytes of both together at once and so many a second, whatever the
/// number of connections; beyond that the events are counted, and a line and an audit event say how many there were.
/// What is worth an audit trail for itself (a login, a program, a connection forwarded) is never left out.
///
/// Belongs to one loop. Which rates there are stands in records.cpp.
class Records {
 public:
  /// More sources, users, connections and trunks than this have no rate of their own, but one together.
  static constexpr std::size_t kMaxRates = 4096;
  /// How long after the first event that was left out the sum is said.
  static constexpr Duration kSumUpAfter = std::chrono::seconds(10);

  /// All of them outlive the records.
  Records(Logger& log, AuditTrail& audit, Clock& clock) : log_(log), audit_(audit), clock_(clock) {}
  /// Says what has been left out so far.
  ~Records();
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  Logger& log() const { return log_; }
  AuditTrail& audit() const { return audit_; }

  class Note;
  /// An event of a client that isn't logged in; `source` is its block of addresses.
  [[nodiscard]] Note of_source(std::string_view source);
  /// Something that a user was refused, or that went wrong. A connection of theirs has at most half of what the user has.
  [[nodiscard]] Note refusal(std::string_view user, ConnectionId connection);
  [[nodiscard]] Note refusal(std::string_view user);
  /// What goes along with a user's doings: channels that open and close, connections to targets.
  [[nodiscard]] Note detail(std::string_view user);
  /// What a target does on its own on a trunk of the user's.
  [[nodiscard]] Note of_trunk(TrunkId trunk, std::string_view user);
  /// What is worth an audit trail for itself, or what nobody causes for nothing: it is never left out.
  [[nodiscard]] Note always();
  /// Something that is never left out, a program or forwarded connection of the user's, or a login from the source: what goes
  /// along with it shall not be either, however many there are.
  void note_act(std::string_view user);
  void note_login(std::string_view source);

 private:
  enum class Kind : std::uint8_t { outside, source, refusals, connection, details, trunk };
  struct Rate;
  static const Rate& rate_of(Kind kind);
  struct Bucket {
    double bytes = 0;  // that may be written now; below 0 it owes some
    TimePoint filled;
    std::uint64_t left_out = 0;
  };
  using Key = std::pair<Kind, std::string>;

  Bucket& bucket(Kind kind, std::string_view name);
  void refill(Kind kind, Bucket& bucket) const;
  void give_back(Kind kind, std::string_view name);
  void make_room();
  Note admit(std::array<Bucket*, 2> buckets);
  void sum_up();

  Logger& log_;
  AuditTrail& audit_;
  Clock& clock_;
  std::map<Key, Bucket> buckets_;
  std::unique_ptr<Timer> sum_up_;
  TimePoint made_room_;
  std::size_t notes_ = 0;  // that hold buckets
};

/// One event, which is written or left out as a whole. For the function that asked for it: the records outlive it.
class Records::Note {
 public:
  Note(Note&& other) noexcept : records_(std::exchange(other.records_, nullptr)), buckets_(other.buckets_) {}
  Note& operator=(Note&&) = delete;
  ~Note() {
    if (records_ != nullptr) --records_->notes_;
  }
  /// Whether it is written.
  explicit operator bool() const { return records_ != nullptr; }

  template <typename... Args>
  Note& trace(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    return log(Level::trace, format, shown(args)...);
  }
  template <typename... Args>
  Note& debug(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    return log(Level::debug, format, shown(args)...);
  }
  template <typename... Args>
  Note& info(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    return log(Level::info, format, shown(args)...);
  }
  template <typename... Args>
  Note& warn(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    return log(Level::warn, format, shown(args)...);
  }
  template <typename... Args>
  Note& error(fmt::format_string<Shown<Args>...> format, const Args&... args) {
    return log(Level::error, format, shown(args)...);
  }
  Note& record(const AuditEvent& event);

 private:
  friend class Records;
  Note() = default;
  Note(Records& records, std::array<Bucket*, 2> buckets) : records_(&records), buckets_(buckets) { ++records.notes_; }
  template <typename... Args>
  Note& log(Level level, fmt::string_view format, const Args&... args) {  // as shown() gives them
    return line(level, format, fmt::make_format_args(args...));
  }
  Note& line(Level level, fmt::string_view format, fmt::format_args args);
  void charge(std::size_t bytes);

  Records* records_ = nullptr;
  std::array<Bucket*, 2> buckets_{};
};

}  // namespace sallyport::log
