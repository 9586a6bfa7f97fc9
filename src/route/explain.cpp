#include "route/explain.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "config/match.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"
#include "route/login_name.hpp"
#include "route/match_reason.hpp"
#include "route/router.hpp"

namespace sallyport::route {
namespace {

/// By the names of the configuration and, where they differ, those of the wire.
std::optional<Act> act_named(std::string_view name) {
  if (name == "session") return Act::shell;
  for (const ActInfo& info : kActs)
    if (!name.empty() && info.rule == name) return info.act;
  for (const ActInfo& info : kActs)
    if (!name.empty() && info.wire == name) return info.act;
  return std::nullopt;
}

std::string_view name_of(Act act) {
  const ActInfo& info = info_of(act);
  return info.rule.empty() ? info.wire : info.rule;
}

bool takes_destination(Act act) {
  return act == Act::direct_tcpip || act == Act::direct_streamlocal || act == Act::tcpip_forward || act == Act::streamlocal_forward;
}

Act default_request(const ExplainQuery& query) {
  if (query.destination) return query.destination->is_socket ? Act::direct_streamlocal : Act::direct_tcpip;
  return query.command ? Act::exec : query.subsystem ? Act::subsystem : Act::shell;
}

/// The rules that were looked at, as far as the one that matched.
void list_rules(const Decision& decision, const Verdict& verdict, Explanation& explanation) {
  const ExplainQuery& query = explanation.query;
  if (info_of(explanation.request).rule.empty()) return;
  const ChannelQuery channel{info_of(explanation.request).rule, query.command ? std::string_view(*query.command) : "",
                             query.subsystem ? std::string_view(*query.subsystem) : ""};
  const std::vector<ChannelRule>& rules = decision.route().channels;
  for (std::size_t i = 0; i < rules.size() && i <= verdict.channel_rule.value_or(rules.size()); ++i)
    explanation.rules.push_back({rule_name(i, rules[i]), why_no_match(rules[i], channel).value_or("")});
  if (verdict.channel_rule) explanation.rule = rule_name(*verdict.channel_rule, rules[*verdict.channel_rule]);
}

void explain_channel(const Decision& decision, Explanation& explanation) {
  const ExplainQuery& query = explanation.query;
  const LoginGrant grant;
  const Standing standing{.decision = &decision, .grant = grant, .now = decision.query.at};
  Ask ask{.act = explanation.request, .destination = query.destination ? &*query.destination : nullptr};
  if (query.command) ask.argument = *query.command;
  if (query.subsystem) ask.argument = *query.subsystem;
  const Verdict verdict = decide(standing, ask);
  explanation.decided_by = verdict.rule;
  list_rules(decision, verdict, explanation);
  if (const Denial* denied = verdict.denial()) {
    explanation.denied = denied->told;
    if (denied->detail != denied->told) explanation.denied_detail = denied->detail;
    return;
  }
  const Permit& permit = *verdict.permit();
  if (permit.leads_somewhere()) explanation.target = permit.target();
  if (permit.program().forced) explanation.program = permit.program();
}

void take(std::optional<std::string>& out, std::string_view value) { out = std::string(value); }

}  // namespace

Result<ExplainQuery> parse_explain_query(std::string_view text, const Config& config) {
  static const std::vector<std::string_view> keys{"user", "target", "source", "mfa", "time", "request", "subsystem", "destination", "command"};
  ExplainQuery query;
  std::string user;
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    const std::string_view key = text.substr(0, equals);
    if (equals == std::string_view::npos) return fail(Errc::config, fmt::format("found {}, expected key=value", config::quoted(key)));
    text.remove_prefix(equals + 1);
    const std::string_view value = text.substr(0, key == "command" ? std::string_view::npos : text.find(','));
    text.remove_prefix(std::min(text.size(), value.size() + 1));
    if (key == "user") {
      user = std::string(value);
    } else if (key == "target") {
      take(query.target, value);
    } else if (key == "source") {
      query.source = std::string(value);
    } else if (key == "mfa") {
      if (value != "yes" && value != "no") return fail(Errc::config, fmt::format("mfa: found {}, expected yes or no", config::quoted(value)));
      query.mfa = value == "yes";
    } else if (key == "time") {
      query.time = config::parse_week_time(value);
      if (!query.time) return fail(Errc::config, fmt::format("time: found {}, expected a time such as Mon 09:30", config::quoted(value)));
    } else if (key == "request") {
      query.request = act_named(value);
      if (!query.request) return fail(Errc::config, fmt::format("request: found {}, which is none that Sallyport knows", config::quoted(value)));
    } else if (key == "subsystem") {
      take(query.subsystem, value);
    } else if (key == "destination") {
      query.destination = parse_destination(value);
      if (!query.destination)
        return fail(Errc::config, fmt::format("destination: found {}, expected HOST:PORT or /PATH", config::quoted(value)));
    } else if (key == "command") {
      take(query.command, value);
    } else {
      return fail(Errc::config, fmt::format("unknown key {}, expected one of {}{}", config::quoted(key), fmt::join(keys, ", "),
                                            config::did_you_mean(key, keys)));
    }
  }
  if (user.empty()) return fail(Errc::config, "expected user=NAME");
  const std::string& separator = config.server.login_separator;
  auto login = parse_login_name(query.target ? user + separator + *query.target : user, separator);
  if (!login) return fail(Errc::config, login.error().detail);
  if (is_left_behind(config, login->user))
    return fail(
        Errc::config,
        fmt::format(
            "user {}: no login is possible by this name, which is that of a file left behind; one that is meant "
            "stands in a group or in a route's users",
            config::quoted(login->user)));
  if (!query.source.empty() && !config::parse_ip(query.source)) {
    return fail(Errc::config, fmt::format("source: found {}, expected an IP address", config::quoted(query.source)));
  }
  if (query.request && takes_destination(*query.request) && !query.destination)
    return fail(Errc::config, fmt::format("request {} needs destination=", name_of(*query.request)));
  query.user = login->user;
  query.target = login->target;
  return query;
}

Explanation explain(const std::shared_ptr<const Config>& config, const ExplainQuery& query) {
  Explanation explanation;
  explanation.query = query;
  explanation.request = query.request.value_or(default_request(query));
  const RouteQuery login{query.user, query.target, query.source, query.mfa,
                         query.time.value_or(config::local_week_time(std::chrono::system_clock::now()))};
  const auto decision = Router(config).route(login);
  for (const Route& route : config->routes) {
    const auto reason = why_no_match(*config, route, login);
    explanation.routes.push_back({route.name, reason.value_or("")});
    if (reason) continue;
    explanation.route = route.name;
    if (const auto unmet = unmet_requirement(route, login, login.at)) {
      explanation.decided_by = fmt::format("{} of route {}", unmet->key, config::quoted(route.name));
      explanation.denied_detail = unmet->detail;
    }
    break;
  }
  if (decision) {
    explain_channel(*decision, explanation);
  } else {
    explanation.denied = decision.error().detail;
  }
  return explanation;
}

namespace {

/// The target's line and the options', as key and value, in the order in which they are shown.
std::vector<std::pair<std::string, std::string>> target_lines(const ResolvedTarget& target) {
  std::vector<std::pair<std::string, std::string>> lines;
  if (target.kind == TargetKind::ssh) {
    lines.emplace_back("address", config::format_host_port(target.host, target.port));
    lines.emplace_back("user", target.user);
    for (const Credential& credential : target.credentials) lines.emplace_back("credential", "key:" + credential.value);
    lines.emplace_back("known_hosts", target.known_hosts);
    for (const ViaTarget* via = &target.via; *via; via = &(*via)->via)
      lines.emplace_back("via", fmt::format("{}, {}@{}", (*via)->name, (*via)->user, config::format_host_port((*via)->host, (*via)->port)));
    if (!target.proxy_command.empty())
      lines.emplace_back("proxy_command", fmt::format("{}", fmt::join(target.proxy_command, " ")));
  } else {
    lines.emplace_back("user", target.local.user.empty() ? "(the daemon's own)" : target.local.user);
    lines.emplace_back("shell", fmt::format("{}", fmt::join(target.local.shell, " ")));
  }
  const Options& options = target.options;
  lines.emplace_back("idle_timeout", config::format_duration(options.idle_timeout));
  lines.emplace_back("max_age", config::format_duration(options.max_age));
  lines.emplace_back("channels_per_trunk", fmt::format("{}", options.channels_per_trunk));
  lines.emplace_back("keepalive_interval", config::format_duration(options.keepalive_interval));
  lines.emplace_back("keepalive_count", fmt::format("{}", options.keepalive_count));
  if (!options.local_forwarding.empty())
    lines.emplace_back("local_forwarding", fmt::format("{}", fmt::join(options.local_forwarding, ", ")));
  if (options.force_command) lines.emplace_back("force_command", *options.force_command);
  if (!options.permit_pty) lines.emplace_back("permit_pty", "false");
  if (options.permit_subsystems != Options{}.permit_subsystems)
    lines.emplace_back("permit_subsystems", fmt::format("{}", fmt::join(options.permit_subsystems, ", ")));
  for (const auto& [kind, timeout] : options.channel_timeouts)
    lines.emplace_back("channel_timeout", kind + " " + config::format_duration(timeout));
  if (options.rate_limit != BytesPerSecond{}) lines.emplace_back("rate_limit", config::format_rate(options.rate_limit));
  if (options.jump != Jump::target) lines.emplace_back("jump", to_string(options.jump));
  if (options.reuse_after_mfa) lines.emplace_back("reuse_after_mfa", config::format_duration(*options.reuse_after_mfa));
  lines.emplace_back("connect_timeout", config::format_duration(options.connect_timeout));
  return lines;
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
    const std::string argument = query.destination ? query.destination->text() : query.command.value_or(query.subsystem.value_or(""));
    line("channel with request {}{}", name_of(explanation.request), argument.empty() ? "" : " " + config::quoted(argument));
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
    line("runs {} {} in place of what was asked for", name_of(explanation.program->act), config::quoted(explanation.program->argument));
  if (explanation.target) {
    line("result: target {} ({})", explanation.target->name, explanation.target->kind == TargetKind::ssh ? "ssh" : "local");
    for (const auto& [key, value] : target_lines(*explanation.target)) line("  {} = {}", key, value);
  }
  return out;
}

}  // namespace sallyport::route
