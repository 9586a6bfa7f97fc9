// The options of [defaults], targets and routes.
#include <array>
#include <map>
#include <string_view>

#include <sallyport/config.hpp>

#include <fmt/format.h>

#include "config/sections.hpp"
#include "match/forward_pattern.hpp"
#include "match/names.hpp"
#include "match/units.hpp"

namespace sallyport {

void OptionOverrides::apply_to(Options& options) const {
  if (idle_timeout) options.idle_timeout = *idle_timeout;
  if (linger) options.linger = linger;
  if (warm) options.warm = *warm;
  if (max_age) options.max_age = *max_age;
  if (channels_per_trunk) options.channels_per_trunk = *channels_per_trunk;
  if (keepalive_interval) options.keepalive_interval = *keepalive_interval;
  if (keepalive_count) options.keepalive_count = *keepalive_count;
  if (connect_timeout) options.connect_timeout = *connect_timeout;
  if (forward_agent) options.forward_agent = *forward_agent;
  if (forward_x11) options.forward_x11 = *forward_x11;
  if (local_forwarding) options.local_forwarding = *local_forwarding;
  if (jump) options.jump = *jump;
  if (remote_forwarding) options.remote_forwarding = *remote_forwarding;
  if (channel_timeouts) options.channel_timeouts = *channel_timeouts;
  if (rate_limit) options.rate_limit = *rate_limit;
  if (record) options.record = *record;
  if (host_key_policy) options.host_key_policy = *host_key_policy;
  if (update_host_keys) options.update_host_keys = *update_host_keys;
  if (permit_pty) options.permit_pty = *permit_pty;
  if (permit_subsystems) options.permit_subsystems = *permit_subsystems;
  if (force_command) options.force_command = force_command;
  if (max_connections) options.max_connections = *max_connections;
  if (reuse_after_mfa) options.reuse_after_mfa = reuse_after_mfa;
}

namespace config {
namespace {

void read_duration(TableReader& table, std::string_view key, std::optional<Duration>& out, Duration min) {
  Duration value{};
  if (table.duration(key, value, min, kMaxDuration) != nullptr) out = value;
}

void read_number(TableReader& table, std::string_view key, std::optional<std::uint32_t>& out, std::uint32_t min,
                 std::uint32_t max) {
  std::uint32_t value = 0;
  if (table.number(key, value, min, max) != nullptr) out = value;
}

void read_switch(TableReader& table, std::string_view key, std::optional<bool>& out) {
  bool value = false;
  if (table.boolean(key, value) != nullptr) out = value;
}

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

void read_channel_timeouts(TableReader& table, std::optional<std::map<std::string, Duration>>& out, Problems& problems) {
  const Node* node = table.table("channel_timeouts");
  if (node == nullptr) return;
  TableReader timeouts(node, table.name_of("channel_timeouts"), problems);
  out.emplace();
  for (const std::string_view kind : kChannelKinds) {
    Duration timeout{};
    if (timeouts.duration(kind, timeout, Duration(0), kMaxDuration) != nullptr) out->emplace(kind, timeout);
  }
  timeouts.finish();
}

void read_rate(TableReader& table, std::string_view key, std::optional<BytesPerSecond>& out) {
  std::string value;
  const Node* node = table.string(key, value);
  if (node == nullptr) return;
  const auto rate = parse_rate(value);
  if (!rate) return table.wrong(*node, "bytes a second, such as \"20MiB/s\", or \"none\"");
  out = *rate;
}

void read_patterns(TableReader& table, std::string_view key, std::optional<std::vector<std::string>>& out) {
  std::vector<std::string> value;
  const Node* node = table.strings(key, value);
  if (node == nullptr) return;
  for (const Node& item : node->children) {
    if (parse_forward_pattern(item.text)) continue;
    table.complain(item, fmt::format("{}: found {}, expected {}", table.name_of(key), describe(item), kForwardPatternExpected));
  }
  out = value;
}

}  // namespace

void read_options(TableReader& table, OptionOverrides& options) {
  read_duration(table, "idle_timeout", options.idle_timeout, Duration(0));
  read_duration(table, "linger", options.linger, Duration(0));
  read_number(table, "warm", options.warm, 0, 100);
  read_duration(table, "max_age", options.max_age, Duration(0));
  read_number(table, "channels_per_trunk", options.channels_per_trunk, 1, 10000);
  read_duration(table, "keepalive_interval", options.keepalive_interval, Duration(0));
  read_number(table, "keepalive_count", options.keepalive_count, 1, 1000);
  read_duration(table, "connect_timeout", options.connect_timeout, Duration(1));
  read_switch(table, "forward_agent", options.forward_agent);
  read_switch(table, "forward_x11", options.forward_x11);
  read_channel_timeouts(table, options.channel_timeouts, *table.problems());
  read_rate(table, "rate_limit", options.rate_limit);
  read_patterns(table, "local_forwarding", options.local_forwarding);
  Jump jump = Jump::target;
  if (table.word<Jump>("jump", jump, {{"target", Jump::target}, {"direct", Jump::direct}, {"terminate", Jump::terminate}}))
    options.jump = jump;
  read_patterns(table, "remote_forwarding", options.remote_forwarding);
  Record record = Record::none;
  if (table.word<Record>("record", record,
                         {{"none", Record::none}, {"interactive", Record::interactive}, {"all", Record::all}})) {
    if (record == Record::none) {
      options.record = record;
    } else {
      table.not_yet("record");
    }
  }
  HostKeyPolicy policy = HostKeyPolicy::strict;
  if (table.word<HostKeyPolicy>("host_key_policy", policy,
                                {{"strict", HostKeyPolicy::strict}, {"accept-new", HostKeyPolicy::accept_new}}))
    options.host_key_policy = policy;
  read_switch(table, "update_host_keys", options.update_host_keys);
  read_switch(table, "permit_pty", options.permit_pty);
  std::vector<std::string> subsystems;
  if (table.strings("permit_subsystems", subsystems) != nullptr) options.permit_subsystems = subsystems;
  std::string command;
  if (const Node* node = table.string("force_command", command)) {
    if (command.empty()) return table.wrong(*node, "a command line");
    if (is_sftp_with_arguments(command))
      return table.wrong(*node, "\"internal-sftp\" without arguments, which are not supported");
    options.force_command = command;
  }
  read_number(table, "max_connections", options.max_connections, 0, 1000000);
  read_duration(table, "reuse_after_mfa", options.reuse_after_mfa, Duration(0));
}

}  // namespace config
}  // namespace sallyport
