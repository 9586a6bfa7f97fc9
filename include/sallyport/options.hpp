// What may stand in [defaults], a target and a route.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>

namespace sallyport {

/// 0: no limit.
enum class BytesPerSecond : std::uint64_t {};

enum class Record : std::uint8_t { none, interactive, all };

/// What becomes of a target whose host key isn't in known_hosts.
enum class HostKeyPolicy : std::uint8_t {
  strict,      ///< it is refused
  accept_new,  ///< its key is written there, if the file has none of the host
};

/// Who makes a forwarded connection, or takes it.
enum class Jump : std::uint8_t {
  target,     ///< the target, through its trunk
  direct,     ///< the bastion itself
  terminate,  ///< it is a connection to Sallyport, to log in to the target of that name
};

/// How a set of options holds each of them: as the value that is in force, at first the built-in one …
struct InForce {
  template <typename T>
  struct Held {
    using Type = T;
  };
  template <typename T>
  static constexpr T at_first(T built_in) {
    return built_in;
  }
};

/// … or as what one place says, at first nothing. An option that may be absent is absent, whether or not the place says so.
struct Said {
  template <typename T>
  struct Held {
    using Type = std::optional<T>;
  };
  template <typename T>
  struct Held<std::optional<T>> {
    using Type = std::optional<T>;
  };
  template <typename T>
  static constexpr std::nullopt_t at_first(const T&) {
    return std::nullopt;
  }
};

/// The options, one a member, with built-in values. Each has a row in config/option_table.hpp, which knows how it is written.
template <typename Holder>
struct OptionSet {
  template <typename T>
  using Held = typename Holder::template Held<T>::Type;
  using Strings = std::vector<std::string>;

  /// A trunk without channels is kept this long …
  Held<Duration> idle_timeout = Holder::at_first(Duration(std::chrono::minutes(10)));
  Held<std::optional<Duration>> linger = std::nullopt;  ///< … and this long without clients; absent: idle_timeout
  /// Spare trunks kept ready while a client uses the target.
  Held<std::uint32_t> warm = Holder::at_first(std::uint32_t{0});
  Held<Duration> max_age = Holder::at_first(Duration(std::chrono::hours(12)));  ///< then a trunk drains; 0: never
  Held<std::uint32_t> channels_per_trunk = Holder::at_first(std::uint32_t{10});
  Held<Duration> keepalive_interval = Holder::at_first(Duration(std::chrono::seconds(15)));  ///< 0: none
  Held<std::uint32_t> keepalive_count = Holder::at_first(std::uint32_t{3});  ///< that many unanswered ones end the connection
  /// Name look-up, TCP and handshake together.
  Held<Duration> connect_timeout = Holder::at_first(Duration(std::chrono::seconds(10)));
  Held<bool> forward_agent = Holder::at_first(false);
  Held<bool> forward_x11 = Holder::at_first(false);
  Held<Strings> local_forwarding = Holder::at_first(Strings{});
  Held<Jump> jump = Holder::at_first(Jump::target);
  Held<Strings> remote_forwarding = Holder::at_first(Strings{});
  /// By kind of channel, "session:shell" or "*": without data for so long it is ended; 0: never.
  Held<std::map<std::string, Duration>> channel_timeouts = Holder::at_first(std::map<std::string, Duration>{});
  /// What one user may move there, and as much back.
  Held<BytesPerSecond> rate_limit = Holder::at_first(BytesPerSecond{});
  Held<Record> record = Holder::at_first(Record::none);
  Held<HostKeyPolicy> host_key_policy = Holder::at_first(HostKeyPolicy::strict);
  /// known_hosts learns the further keys that a known target proves to have.
  Held<bool> update_host_keys = Holder::at_first(false);
  Held<bool> permit_pty = Holder::at_first(true);
  Held<Strings> permit_subsystems = Holder::at_first(Strings{"*"});  ///< globs on their names
  /// Runs in place of any shell, exec or subsystem, and before a key's own command, as sshd's ForceCommand.
  Held<std::optional<std::string>> force_command = std::nullopt;
  Held<std::uint32_t> max_connections = Holder::at_first(std::uint32_t{0});  ///< of clients on one route; 0: any number
  /// For how long after a login at a target in which a person had to answer other connections of that user may share it;
  /// absent: as long as it lasts.
  Held<std::optional<Duration>> reuse_after_mfa = std::nullopt;

  auto operator<=>(const OptionSet&) const = default;
};

/// Those that hold somewhere.
using Options = OptionSet<InForce>;
/// Those that one place sets.
using OptionOverrides = OptionSet<Said>;

}  // namespace sallyport
