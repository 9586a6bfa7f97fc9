#include "route/match_reason.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/document.hpp"
#include "match/command_match.hpp"
#include "match/match.hpp"
#include "match/names.hpp"

namespace sallyport::route {
namespace {

constexpr std::string_view kRequireMfa = "mfa";

bool any_glob(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [text](const std::string& pattern) { return config::glob_matches(pattern, text); });
}

bool source_matches(const std::vector<std::string>& sources, const std::optional<config::IpAddress>& address) {
  return address && std::any_of(sources.begin(), sources.end(), [&address](const std::string& text) {
           const auto network = config::parse_network(text);
           return network && network->contains(*address);
         });
}

std::string listed(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }

/// Says which of the two it was: that a wildcard doesn't match everything is easily forgotten.
std::string why_not_like(const std::string& pattern, std::string_view command) {
  return fmt::format(
      "the command is not like {}{}", config::quoted(pattern),
      config::glob_matches(pattern, command) ? ", whose wildcards don't match characters that a shell acts on" : "");
}

/// A pattern of digits and dots is for addresses: "10.*" is not met by a host's name that begins so.
bool target_matches(const std::string& pattern, std::string_view name) {
  const bool is_for_numbers = config::is_numeric_glob(pattern) && pattern.find_first_of("*?") != std::string::npos;
  return config::glob_matches(pattern, name) &&
         (!is_for_numbers || name.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// Without `targets`, a route serves those who named no target, and those who named the very one that it leads to.
bool target_matches(const Route& route, const std::optional<std::string>& asked) {
  if (route.targets)
    return asked && std::any_of(route.targets->begin(), route.targets->end(),
                                [&asked](const std::string& pattern) { return target_matches(pattern, *asked); });
  if (route.to == "{target}") return asked.has_value();
  return !asked || *asked == route.to;
}

std::string why_target_differs(const Route& route, const std::optional<std::string>& asked) {
  if (route.targets && !asked) return fmt::format("the client named no target, the route is for {}", listed(*route.targets));
  if (route.targets) return fmt::format("target {} is not among {}", *asked, listed(*route.targets));
  if (!asked) return "the client named no target, and the route leads to the one that is named";
  return fmt::format("the client named target {}, the route has no `targets` and leads to {}", *asked, route.to);
}

}  // namespace

const Target* target_named(const Config& config, const std::string& to, const std::optional<std::string>& asked) {
  const auto found = config.targets.find(to == "{target}" ? asked.value_or("") : to);
  return found == config.targets.end() ? nullptr : &found->second;
}

RouteMatcher::RouteMatcher(const Config& config, const RouteQuery& query)
    : query_(query), source_(config::parse_ip(query.source)) {
  for (const auto& [name, members] : config.groups)
    if (any_glob(members, query.user)) groups_.insert(name);
}

RouteMatcher::Mismatch RouteMatcher::compare(const Route& route) const {
  const auto is_user = [this](const std::string& entry) {
    return entry.starts_with('@') ? groups_.contains(std::string_view(entry).substr(1))
                                  : config::glob_matches(entry, query_.user);
  };
  if (route.users && std::none_of(route.users->begin(), route.users->end(), is_user)) return Mismatch::user;
  if (!target_matches(route, query_.target)) return Mismatch::target;
  if (route.sources && !source_matches(*route.sources, source_)) return Mismatch::source;
  return Mismatch::none;
}

std::optional<std::string> RouteMatcher::why_no_match(const Route& route) const {
  switch (compare(route)) {
    case Mismatch::none: break;
    case Mismatch::user: return fmt::format("user {} is not among {}", query_.user, listed(*route.users));
    case Mismatch::target: return why_target_differs(route, query_.target);
    case Mismatch::source:
      return fmt::format("source {} is not in {}", query_.source.empty() ? "(none)" : query_.source, listed(*route.sources));
  }
  return std::nullopt;
}

std::optional<std::string> why_no_match(const ChannelRule& rule, const ChannelQuery& query) {
  const bool session =
      query.request == "shell" || query.request == "exec" || query.request == "subsystem" || query.request == "session";
  const bool named = std::any_of(rule.requests.begin(), rule.requests.end(), [&query, session](const std::string& request) {
    return request == query.request || (session && request == "session");
  });
  if (!named) return fmt::format("request {} is not {}", query.request, listed(rule.requests));
  if (rule.command) {
    if (query.request != "exec") return fmt::format("request {} has no command", query.request);
    if (!config::command_matches_glob(*rule.command, query.command, rule.effect()))
      return why_not_like(*rule.command, query.command);
  }
  if (rule.command_regex) {
    if (query.request != "exec") return fmt::format("request {} has no command", query.request);
    if (!rule.command_regex->matches(query.command))
      return fmt::format("the command is not of the form {}", config::quoted(rule.command_regex->text()));
  }
  if (rule.subsystem) {
    if (query.request != "subsystem") return fmt::format("request {} has no subsystem", query.request);
    if (!config::glob_matches(*rule.subsystem, query.subsystem))
      return fmt::format("the subsystem is not like {}", config::quoted(*rule.subsystem));
  }
  return std::nullopt;
}

std::optional<Unmet> unmet_requirement(const Route& route, const RouteQuery& login, const std::optional<config::WeekTime>& now) {
  const bool is_name = login.target && config::is_safe_target(*login.target);
  const std::string target = is_name ? fmt::format("target '{}'", *login.target) : "this target";
  for (const std::string& requirement : route.require) {
    if (requirement == kRequireMfa && login.mfa) continue;
    return Unmet{"require", fmt::format("{} needs a login with a second factor", target),
                 fmt::format("the login has no {}", requirement)};
  }
  const auto is_open = [&now](const std::string& text) {
    const auto window = config::parse_time_window(text);
    return window && now && window->contains(*now);
  };
  if (route.valid.empty() || std::any_of(route.valid.begin(), route.valid.end(), is_open)) return std::nullopt;
  return Unmet{
      "valid", fmt::format("{} may not be used at this time", target),
      fmt::format("it is {}, not in {}", now ? config::format_week_time(*now) : "(an unknown time)", listed(route.valid))};
}

std::string rule_name(std::size_t index, const ChannelRule& rule) {
  std::string name = fmt::format("rule {} (request {}", index + 1, listed(rule.requests));
  if (rule.command) name += fmt::format(", command {}", config::quoted(*rule.command));
  if (rule.command_regex) name += fmt::format(", command_regex {}", config::quoted(rule.command_regex->text()));
  if (rule.subsystem) name += fmt::format(", subsystem {}", config::quoted(*rule.subsystem));
  return name + ")";
}

std::string no_route(const Config& config, const RouteQuery& query) {
  // What the client asked for may be repeated to it, when it is plainly a name; anything else is not worth a terminal's risk.
  if (query.target && config::is_safe_target(*query.target)) return fmt::format("no route for target '{}'", *query.target);
  if (query.target) return "no route for this target";
  return fmt::format("no route: name a target, as in user{}target", config.server.login_separator);
}

}  // namespace sallyport::route
