// An Explanation for people.
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "match/match.hpp"
#include "match/names.hpp"
#include "match/units.hpp"
#include "route/explain.hpp"

namespace sallyport::route {
namespace {

/// Keys and values in the order in which they are shown.
class Lines {
 public:
  void add(std::string key, std::string value) { lines_.emplace_back(std::move(key), std::move(value)); }
  void add(std::string key, std::uint32_t value) { add(std::move(key), fmt::format("{}", value)); }
  void add(std::string key, const std::vector<std::string>& values) {
    add(std::move(key), fmt::format("{}", fmt::join(values, ", ")));
  }
  void add(std::string key, Duration value) { add(std::move(key), config::format_duration(value)); }
  void add_if(bool shown, std::string key, std::string value = "true") {
    if (shown) add(std::move(key), std::move(value));
  }
  template <typename T>
  void add_if_any(std::string key, const T& value) {
    if (value) add(std::move(key), *value);
  }
  std::vector<std::pair<std::string, std::string>> take() { return std::move(lines_); }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

void add_ssh(Lines& lines, const ResolvedTarget& target) {
  lines.add("address", config::format_host_port(target.host, target.port));
  lines.add("user", target.user);
  for (const Credential& credential : target.credentials) lines.add("credential", config::credential_text(credential));
  lines.add("known_hosts", target.known_hosts);
  lines.add_if(target.options.host_key_policy == HostKeyPolicy::accept_new, "host_key_policy", "accept-new");
  lines.add_if(target.options.update_host_keys, "update_host_keys");
  for (const ViaTarget* via = &target.via; *via; via = &(*via)->via)
    lines.add("via", fmt::format("{}, {}@{}", (*via)->name, (*via)->user, config::format_host_port((*via)->host, (*via)->port)));
  lines.add_if(!target.proxy_command.empty(), "proxy_command", fmt::format("{}", fmt::join(target.proxy_command, " ")));
  lines.add_if_any("kex", target.algorithms.kex);
  lines.add_if_any("ciphers", target.algorithms.ciphers);
  lines.add_if_any("macs", target.algorithms.macs);
  lines.add_if_any("host_keys", target.algorithms.host_keys);
  lines.add_if(target.algorithms.require_strict_kex.value_or(false), "require_strict_kex");
  lines.add_if(target.legacy_algorithms, "legacy_algorithms");
}

/// What holds for every channel first; then what somebody has set.
void add_options(Lines& lines, const Options& options) {
  lines.add("idle_timeout", options.idle_timeout);
  lines.add_if_any("linger", options.linger);
  if (options.warm != 0) lines.add("warm", options.warm);
  lines.add("max_age", options.max_age);
  lines.add("channels_per_trunk", options.channels_per_trunk);
  lines.add("keepalive_interval", options.keepalive_interval);
  lines.add("keepalive_count", options.keepalive_count);
  lines.add_if(options.forward_agent, "forward_agent");
  lines.add_if(options.forward_x11, "forward_x11");
  if (!options.local_forwarding.empty()) lines.add("local_forwarding", options.local_forwarding);
  if (!options.remote_forwarding.empty()) lines.add("remote_forwarding", options.remote_forwarding);
  lines.add_if_any("force_command", options.force_command);
  lines.add_if(!options.permit_pty, "permit_pty", "false");
  if (options.permit_subsystems != Options{}.permit_subsystems) lines.add("permit_subsystems", options.permit_subsystems);
  if (options.max_connections != 0) lines.add("max_connections", options.max_connections);
  for (const auto& [kind, timeout] : options.channel_timeouts)
    lines.add("channel_timeout", kind + " " + config::format_duration(timeout));
  lines.add_if(options.rate_limit != BytesPerSecond{}, "rate_limit", config::format_rate(options.rate_limit));
  lines.add_if(options.jump != Jump::target, "jump", to_string(options.jump));
  lines.add_if_any("reuse_after_mfa", options.reuse_after_mfa);
  lines.add("connect_timeout", options.connect_timeout);
}

std::vector<std::pair<std::string, std::string>> target_lines(const ResolvedTarget& target) {
  Lines lines;
  if (target.kind == TargetKind::ssh) {
    add_ssh(lines, target);
  } else {
    lines.add("user", target.local.user.empty() ? "(the daemon's own)" : target.local.user);
    lines.add("shell", fmt::format("{}", fmt::join(target.local.shell, " ")));
  }
  add_options(lines, target.options);
  return lines.take();
}

}  // namespace

std::string to_text(const Explanation& explanation) {
  std::string out;
  auto line = [&out](const auto& format, const auto&... values) {
    fmt::format_to(std::back_inserter(out), fmt::runtime(format), values...);
    out += '\n';
  };
  const ExplainQuery& query = explanation.query;
  line("login of user {}, {}, from {}{}{}", query.user, query.target ? "target " + *query.target : "no target named",
       query.source.empty() ? "nowhere in particular" : query.source, query.mfa ? ", with a second factor" : "",
       query.time ? ", on " + config::format_week_time(*query.time) : "");
  for (const Considered& route : explanation.routes) {
    line("  route {}: {}", config::quoted(route.name), route.reason.empty() ? "matches" : "no: " + route.reason);
  }
  if (!explanation.route) line("  no route matches");
  if (explanation.route) {
    const std::string argument =
        query.destination ? query.destination->text() : query.command.value_or(query.subsystem.value_or(""));
    line("channel with request {}{}", info_of(explanation.request).name(),
         argument.empty() ? "" : " " + config::quoted(argument));
    for (const Considered& rule : explanation.rules) {
      line("  {}: {}", rule.name, rule.reason.empty() ? "matches" : "no: " + rule.reason);
    }
    if (!explanation.rule && explanation.target) line("  no rule matches: the route's target");
  }
  if (!explanation.decided_by.empty()) line("decided by {}", explanation.decided_by);
  if (explanation.denied) line("result: denied, the client is told {}", config::quoted(*explanation.denied));
  if (!explanation.denied_detail.empty()) line("  because: {}", explanation.denied_detail);
  if (!explanation.denied && !explanation.target) line("result: allowed");
  if (explanation.program)
    line("runs {} {} in place of what was asked for", info_of(explanation.program->act).name(),
         config::quoted(explanation.program->argument));
  if (explanation.target) {
    line("result: target {} ({})", explanation.target->name, explanation.target->kind == TargetKind::ssh ? "ssh" : "local");
    for (const auto& [key, value] : target_lines(*explanation.target)) line("  {} = {}", key, value);
  }
  return out;
}

}  // namespace sallyport::route
