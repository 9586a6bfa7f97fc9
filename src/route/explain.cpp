#include "route/explain.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "config/suggest.hpp"
#include "match/match.hpp"
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

bool takes_destination(Act act) {
  return act == Act::direct_tcpip || act == Act::direct_streamlocal || act == Act::tcpip_forward ||
         act == Act::streamlocal_forward;
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
  static const std::vector<std::string_view> keys{"user",    "target",    "source",      "mfa",    "time",
                                                  "request", "subsystem", "destination", "command"};
  ExplainQuery query;
  std::string user;
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    const std::string_view key = text.substr(0, equals);
    if (equals == std::string_view::npos)
      return fail(Errc::config, fmt::format("found {}, expected key=value", config::quoted(key)));
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
      if (value != "yes" && value != "no")
        return fail(Errc::config, fmt::format("mfa: found {}, expected yes or no", config::quoted(value)));
      query.mfa = value == "yes";
    } else if (key == "time") {
      query.time = config::parse_week_time(value);
      if (!query.time)
        return fail(Errc::config, fmt::format("time: found {}, expected a time such as Mon 09:30", config::quoted(value)));
    } else if (key == "request") {
      query.request = act_named(value);
      if (!query.request)
        return fail(Errc::config, fmt::format("request: found {}, which is none that Sallyport knows", config::quoted(value)));
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
    return fail(Errc::config,
                fmt::format("user {}: no login is possible by this name, which is that of a file left behind; one that is meant "
                            "stands in a group or in a route's users",
                            config::quoted(login->user)));
  if (!query.source.empty() && !config::parse_ip(query.source)) {
    return fail(Errc::config, fmt::format("source: found {}, expected an IP address", config::quoted(query.source)));
  }
  if (query.request && takes_destination(*query.request) && !query.destination)
    return fail(Errc::config, fmt::format("request {} needs destination=", info_of(*query.request).name()));
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
  const RouteMatcher matcher(*config, login);
  for (const Route& route : config->routes) {
    const auto reason = matcher.why_no_match(route);
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

}  // namespace sallyport::route
