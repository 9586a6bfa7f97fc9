#include "route/explain.hpp"

#include <algorithm>
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

std::string rule_name(std::size_t index, const ChannelRule& rule) {
  std::string name = fmt::format("rule {} (request {}", index + 1, fmt::join(rule.requests, ", "));
  if (rule.command) name += fmt::format(", command {}", config::quoted(*rule.command));
  if (rule.subsystem) name += fmt::format(", subsystem {}", config::quoted(*rule.subsystem));
  return name + ")";
}

ChannelQuery channel_query(const Explanation& explanation) {
  const ExplainQuery& query = explanation.query;
  return {explanation.request, query.command ? std::string_view(*query.command) : "", query.subsystem ? std::string_view(*query.subsystem) : ""};
}

void explain_channel(const Decision& decision, Explanation& explanation) {
  const ChannelQuery query = channel_query(explanation);
  const ChannelDecision channel = decide_channel(decision, query);
  const std::vector<ChannelRule>& rules = decision.route().channels;
  for (std::size_t i = 0; i < rules.size() && i <= channel.rule.value_or(rules.size()); ++i) {
    explanation.rules.push_back({rule_name(i, rules[i]), why_no_match(rules[i], query).value_or("")});
  }
  if (channel.rule) explanation.rule = rule_name(*channel.rule, rules[*channel.rule]);
  if (const ChannelDenied* denied = channel.denied()) {
    explanation.denied = denied->told;
  } else {
    explanation.target = *channel.target();
  }
  if (!explanation.query.destination) return;
  const ForwardDecision forward = decide_forward(decision, *explanation.query.destination);
  if (const ForwardDenied* denied = forward.denied()) {
    explanation.denied = denied->told;
    explanation.denied_detail = denied->detail;
    explanation.target.reset();
  }
}

std::string default_request(const ExplainQuery& query) {
  if (query.destination) return std::string(request_name(*query.destination));
  return query.command ? "exec" : query.subsystem ? "subsystem" : "shell";
}

void take(std::optional<std::string>& out, std::string_view value) { out = std::string(value); }

}  // namespace

Result<ExplainQuery> parse_explain_query(std::string_view text, const Config& config) {
  static const std::vector<std::string_view> keys{"user", "target", "source", "request", "subsystem", "destination", "command"};
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
    } else if (key == "request") {
      take(query.request, value);
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
  if (!query.source.empty() && !config::parse_ip(query.source)) {
    return fail(Errc::config, fmt::format("source: found {}, expected an IP address", config::quoted(query.source)));
  }
  query.user = login->user;
  query.target = login->target;
  return query;
}

Explanation explain(const std::shared_ptr<const Config>& config, const ExplainQuery& query) {
  Explanation explanation;
  explanation.query = query;
  explanation.request = query.request.value_or(default_request(query));
  const RouteQuery login{query.user, query.target, query.source};
  const auto decision = Router(config).route(login);
  for (const Route& route : config->routes) {
    const auto reason = why_no_match(*config, route, login);
    explanation.routes.push_back({route.name, reason.value_or("")});
    if (reason) continue;
    explanation.route = route.name;
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
  for (const auto& [kind, timeout] : options.channel_timeouts)
    lines.emplace_back("channel_timeout", kind + " " + config::format_duration(timeout));
  if (options.rate_limit != BytesPerSecond{}) lines.emplace_back("rate_limit", config::format_rate(options.rate_limit));
  if (options.jump != Jump::target) lines.emplace_back("jump", to_string(options.jump));
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
  line("login of user {}, {}, from {}", query.user, query.target ? "target " + *query.target : "no target named",
       query.source.empty() ? "nowhere in particular" : query.source);
  for (const Considered& route : explanation.routes) {
    line("  route {}: {}", config::quoted(route.name), route.reason.empty() ? "matches" : "no: " + route.reason);
  }
  if (!explanation.route) line("  no route matches");
  if (explanation.route && !explanation.request.empty()) {
    const std::string argument = query.destination ? query.destination->text() : query.command.value_or("");
    line("channel with request {}{}", explanation.request, argument.empty() ? "" : " " + config::quoted(argument));
    for (const Considered& rule : explanation.rules) {
      line("  {}: {}", rule.name, rule.reason.empty() ? "matches" : "no: " + rule.reason);
    }
    if (!explanation.rule && explanation.target) line("  no rule matches: the route's target");
  }
  if (explanation.denied) line("result: denied, the client is told {}", config::quoted(*explanation.denied));
  if (!explanation.denied_detail.empty()) line("  because: {}", explanation.denied_detail);
  if (explanation.target) {
    line("result: target {} ({})", explanation.target->name, explanation.target->kind == TargetKind::ssh ? "ssh" : "local");
    for (const auto& [key, value] : target_lines(*explanation.target)) line("  {} = {}", key, value);
  }
  return out;
}

}  // namespace sallyport::route
