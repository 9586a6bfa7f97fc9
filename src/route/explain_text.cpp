// An Explanation for people.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "config/option_table.hpp"
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
  void add(std::string key, bool value) { add(std::move(key), std::string(value ? "true" : "false")); }
  void add(std::string key, const std::vector<std::string>& values) {
    add(std::move(key), fmt::format("{}", fmt::join(values, ", ")));
  }
  /// A line for each, with the key in the singular.
  void add(std::string key, const std::map<std::string, std::string>& values) {
    key.pop_back();
    for (const auto& [name, value] : values) add(key, name + " " + value);
  }
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

/// Those that stand beside known_hosts, or the others.
void add_options(Lines& lines, const Options& options, bool beside_known_hosts) {
  struct Line {
    std::uint8_t number;
    std::string_view name;
    config::Written value;
  };
  const Options built_in;
  std::vector<Line> shown;
  config::for_each_row(config::kOptions, [&](const auto& row) {
    const auto value = config::written(row.syntax, row.in(options));
    const bool changed = row.in(options) != row.in(built_in);
    if (value && (changed || row.shown == config::Shown::always) &&
        beside_known_hosts == (row.shown == config::Shown::beside_known_hosts))
      shown.push_back({row.line, row.name, *value});
  });
  std::sort(shown.begin(), shown.end(), [](const Line& a, const Line& b) { return a.number < b.number; });
  for (const Line& line : shown) std::visit([&](const auto& value) { lines.add(std::string(line.name), value); }, line.value);
}

void add_ssh(Lines& lines, const ResolvedTarget& target) {
  lines.add("address", config::format_host_port(target.host, target.port));
  lines.add("user", target.user);
  for (const Credential& credential : target.credentials) lines.add("credential", config::credential_text(credential));
  lines.add("known_hosts", target.known_hosts);
  add_options(lines, target.options, true);
  for (const SharedTarget* via = &target.via; *via; via = &(*via)->via)
    lines.add("via", fmt::format("{}, {}@{}", (*via)->name, (*via)->user, config::format_host_port((*via)->host, (*via)->port)));
  lines.add_if(!target.proxy_command.empty(), "proxy_command", fmt::format("{}", fmt::join(target.proxy_command, " ")));
  lines.add_if_any("kex", target.algorithms.kex);
  lines.add_if_any("ciphers", target.algorithms.ciphers);
  lines.add_if_any("macs", target.algorithms.macs);
  lines.add_if_any("host_keys", target.algorithms.host_keys);
  lines.add_if(target.algorithms.require_strict_kex.value_or(false), "require_strict_kex");
  lines.add_if(target.legacy_algorithms, "legacy_algorithms");
}

std::vector<std::pair<std::string, std::string>> target_lines(const ResolvedTarget& target) {
  Lines lines;
  if (target.kind == TargetKind::ssh) {
    add_ssh(lines, target);
  } else {
    lines.add("user", target.local.user.empty() ? "(the daemon's own)" : target.local.user);
    lines.add("shell", fmt::format("{}", fmt::join(target.local.shell, " ")));
  }
  add_options(lines, target.options, false);
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
