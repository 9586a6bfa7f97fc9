// The tables of keys: how each is called, where its value is kept, how it is written. Reading, -T and the explanations go by
// them, and tests hold the sample and the manual against them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <sallyport/config.hpp>
#include <sallyport/options.hpp>

#include "config/syntax.hpp"

namespace sallyport::config {

/// A key of a section whose values `Owner` has.
template <typename Owner, typename T, typename Syntax>
struct Key {
  std::string_view name;
  T Owner::*value;
  Syntax syntax;
};
template <typename Owner, typename T, typename Syntax>
Key(const char*, T Owner::*, Syntax) -> Key<Owner, T, Syntax>;

/// Where an explanation for people shows an option.
enum class Shown : std::uint8_t {
  always,
  if_changed,          ///< from what is built in
  beside_known_hosts,  ///< of targets that have one, if changed
};

/// What an option is about.
enum class BearsOn : std::uint8_t {
  clients,  ///< what they may do, or what is demanded of them: a change is for on_reload = "recheck" to see
  upkeep,   ///< how connections are kept
};

/// A key of `[defaults]`, of targets and of routes.
template <typename T, typename Said, typename Syntax>
struct Option {
  std::string_view name;
  T Options::*value;
  Said OptionOverrides::*said;
  Syntax syntax;
  BearsOn bears_on;
  Shown shown;
  std::uint8_t line;  ///< in which order explanations for people show them; -T goes by the table

  const T& in(const Options& options) const { return options.*value; }
  const Said& in(const OptionOverrides& options) const { return options.*said; }
};
template <typename T, typename Said, typename Syntax>
Option(const char*, T Options::*, Said OptionOverrides::*, Syntax, BearsOn, Shown, int) -> Option<T, Said, Syntax>;

inline constexpr Word<Jump, 3> kJumps{{{{"target", Jump::target}, {"direct", Jump::direct}, {"terminate", Jump::terminate}}}};
inline constexpr Word<Record, 3> kRecords{{{{"none", Record::none}, {"interactive", Record::interactive}, {"all", Record::all}}},
                                          true};
inline constexpr Word<HostKeyPolicy, 2> kHostKeyPolicies{
    {{{"strict", HostKeyPolicy::strict}, {"accept-new", HostKeyPolicy::accept_new}}}};

inline constexpr auto kOptions = [] {
  using enum BearsOn;
  using enum Shown;
  using All = Options;
  using Some = OptionOverrides;
  return std::tuple{
      Option{"idle_timeout", &All::idle_timeout, &Some::idle_timeout, Time{}, upkeep, always, 0},
      Option{"linger", &All::linger, &Some::linger, Time{}, upkeep, if_changed, 1},
      Option{"warm", &All::warm, &Some::warm, Number{0, 100}, upkeep, if_changed, 2},
      Option{"max_age", &All::max_age, &Some::max_age, Time{}, upkeep, always, 3},
      Option{"channels_per_trunk", &All::channels_per_trunk, &Some::channels_per_trunk, Number{1, 10000}, upkeep, always, 4},
      Option{"keepalive_interval", &All::keepalive_interval, &Some::keepalive_interval, Time{}, upkeep, always, 5},
      Option{"keepalive_count", &All::keepalive_count, &Some::keepalive_count, Number{1, 1000}, upkeep, always, 6},
      Option{"connect_timeout", &All::connect_timeout, &Some::connect_timeout, Time{Duration(1)}, upkeep, always, 99},
      Option{"forward_agent", &All::forward_agent, &Some::forward_agent, Switch{}, clients, if_changed, 10},
      Option{"forward_x11", &All::forward_x11, &Some::forward_x11, Switch{}, clients, if_changed, 11},
      Option{"local_forwarding", &All::local_forwarding, &Some::local_forwarding, ForwardPatterns{}, clients, if_changed, 12},
      Option{"jump", &All::jump, &Some::jump, kJumps, clients, if_changed, 32},
      Option{"remote_forwarding", &All::remote_forwarding, &Some::remote_forwarding, ForwardPatterns{}, clients, if_changed, 13},
      Option{"channel_timeouts", &All::channel_timeouts, &Some::channel_timeouts, ChannelTimeouts{}, upkeep, if_changed, 30},
      Option{"rate_limit", &All::rate_limit, &Some::rate_limit, Rate{}, upkeep, if_changed, 31},
      Option{"record", &All::record, &Some::record, kRecords, clients, if_changed, 34},
      Option{"host_key_policy", &All::host_key_policy, &Some::host_key_policy, kHostKeyPolicies, clients, beside_known_hosts, 0},
      Option{"update_host_keys", &All::update_host_keys, &Some::update_host_keys, Switch{}, upkeep, beside_known_hosts, 1},
      Option{"permit_pty", &All::permit_pty, &Some::permit_pty, Switch{}, clients, if_changed, 21},
      Option{"permit_subsystems", &All::permit_subsystems, &Some::permit_subsystems, Texts{}, clients, if_changed, 22},
      Option{"force_command", &All::force_command, &Some::force_command, ForcedCommand{}, clients, if_changed, 20},
      Option{"max_connections", &All::max_connections, &Some::max_connections, Number{}, upkeep, if_changed, 23},
      Option{"reuse_after_mfa", &All::reuse_after_mfa, &Some::reuse_after_mfa, Time{}, clients, if_changed, 33},
  };
}();

inline constexpr Word<OnReload, 2> kOnReload{{{{"keep", OnReload::keep}, {"recheck", OnReload::recheck}}}};
inline constexpr Word<TargetKind, 2> kTargetKinds{{{{"ssh", TargetKind::ssh}, {"local", TargetKind::local}}}};
inline constexpr Word<LogLevel, 5> kLogLevels{{{{"trace", LogLevel::trace},
                                                {"debug", LogLevel::debug},
                                                {"info", LogLevel::info},
                                                {"warn", LogLevel::warn},
                                                {"error", LogLevel::error}}}};
inline constexpr Word<LogFormat, 2> kLogFormats{{{{"text", LogFormat::text}, {"json", LogFormat::json}}}};

inline constexpr std::tuple kLogKeys{
    Key{"level", &LogSettings::level, kLogLevels},
    Key{"format", &LogSettings::format, kLogFormats},
    Key{"file", &LogSettings::file, PathOrDash{}},
};

inline constexpr std::tuple kLimitKeys{
    Key{"login_grace_time", &Limits::login_grace_time, Time{std::chrono::seconds(1)}},
    Key{"max_auth_tries", &Limits::max_auth_tries, Number{1, 1000}},
    Key{"max_startups", &Limits::max_startups, Startups{}},
    Key{"max_startups_per_source", &Limits::max_startups_per_source, Number{}},
    Key{"max_connections_per_source", &Limits::max_connections_per_source, Number{}},
    Key{"source_prefix_ipv4", &Limits::source_prefix_ipv4, Number{0, 32}},
    Key{"source_prefix_ipv6", &Limits::source_prefix_ipv6, Number{0, 128}},
    Key{"max_connections_per_user", &Limits::max_connections_per_user, Number{1}},
    Key{"max_channels_per_connection", &Limits::max_channels_per_connection, Number{1}},
    Key{"max_forwarded_per_connection", &Limits::max_forwarded_per_connection, Number{1}},
    Key{"max_forwards_per_connection", &Limits::max_forwards_per_connection, Number{1}},
    Key{"max_trunks_per_user", &Limits::max_trunks_per_user, Number{1}},
    Key{"max_waiting_channels", &Limits::max_waiting_channels, Number{1}},
    Key{"max_logins_per_target", &Limits::max_logins_per_target, Number{1}},
    Key{"channel_window", &Limits::channel_window, Size{32 * 1024, 1U << 30U}},
};

inline constexpr std::tuple kPenaltyKeys{
    Key{"enabled", &Penalties::enabled, Switch{}},
    Key{"crash", &Penalties::crash, Time{}},
    Key{"auth_failure", &Penalties::auth_failure, Time{}},
    Key{"no_auth", &Penalties::no_auth, Time{}},
    Key{"grace_exceeded", &Penalties::grace_exceeded, Time{}},
    Key{"min", &Penalties::min, Time{}},
    Key{"max", &Penalties::max, Time{}},
    Key{"max_sources", &Penalties::max_sources, Number{1}},
    Key{"exempt", &Penalties::exempt, Networks{}},
};

/// Calls `visit` with every row of a table.
template <typename Table, typename Visit>
constexpr void for_each_row(const Table& table, Visit&& visit) {
  std::apply([&visit](const auto&... row) { (visit(row), ...); }, table);
}

/// What the file calls it.
template <typename T>
constexpr std::string_view option_name(T Options::*option) {
  std::string_view name;
  for_each_row(kOptions, [option, &name](const auto& row) {
    if constexpr (std::is_same_v<decltype(row.value), T Options::*>) {
      if (row.value == option) name = row.name;
    }
  });
  return name;
}

/// Whether there is an option of that name.
bool is_option(std::string_view name);

/// Whether one place says anything about the option of that name.
bool says(const OptionOverrides& said, std::string_view name);

/// Sets in `options` what one place says.
void apply(const OptionOverrides& said, Options& options);

}  // namespace sallyport::config
