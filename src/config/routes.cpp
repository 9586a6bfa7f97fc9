// [[route]] and [[route.channel]]
#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/sections.hpp"
#include "config/suggest.hpp"
#include "match/command_match.hpp"
#include "match/time_window.hpp"

namespace sallyport::config {
namespace {

constexpr std::array<std::string_view, 4> kSessionRequests{"session", "shell", "exec", "subsystem"};
constexpr std::array<std::string_view, 2> kForwardRequests{"direct-tcpip", "direct-streamlocal"};
/// What can be denied today, and sent somewhere by a version to come.
constexpr std::array<std::string_view, 4> kOtherRequests{"tcpip-forward", "streamlocal-forward", "agent", "x11"};

constexpr std::string_view kNotInWildcards =
    "what a shell does more with than to run one program (; & | < > ( ) $ ` ^ ! and line feeds)";

/// As `to`: the target that the client named.
constexpr std::string_view kNamedTarget = "{target}";

template <typename Map>
std::vector<std::string_view> keys_of(const Map& map) {
  std::vector<std::string_view> keys;
  keys.reserve(map.size());
  for (const auto& entry : map) keys.push_back(entry.first);
  return keys;
}

template <typename List>
bool has(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class RouteReader {
 public:
  RouteReader(const Config& config, Problems& problems) : config_(config), problems_(problems) {}

  Route read(const Node& node, std::size_t number) {
    TableReader table(&node, "route", problems_);
    Route route;
    route.name = fmt::format("route {}", number);
    if (const Node* name = table.string("name", route.name)) {
      if (route.name.empty()) table.wrong(*name, "a name that is not empty");
    }
    read_users(table, route);
    std::vector<std::string> targets;
    if (table.strings("targets", targets)) route.targets = targets;
    read_sources(table, route);
    if (const Node* valid = table.strings("valid", route.valid)) {
      for (const Node& item : valid->children)
        if (!parse_time_window(item.text))
          table.complain(item, fmt::format("route.valid: found {}, expected {}", describe(item), kTimeWindowExpected));
    }
    if (const Node* required = table.strings("require", route.require)) {
      for (const Node& item : required->children)
        if (item.text != "mfa") table.complain(item, fmt::format("route.require: found {}, expected \"mfa\"", describe(item)));
    }
    if (const Node* to = table.string("to", route.to)) {
      check_target(table, *to, route.to);
    } else if (table.take("to") == nullptr) {
      table.missing("to");
    }
    for (const Node* rule : table.tables("channel")) route.channels.push_back(read_rule(*rule));
    read_options(table, route.options);
    table.finish();
    return route;
  }

 private:
  void check_target(TableReader& table, const Node& node, const std::string& name) {
    if (name == kNamedTarget || config_.targets.contains(name)) return;
    std::vector<std::string_view> names = keys_of(config_.targets);
    names.push_back(kNamedTarget);
    table.wrong(node, "the name of a [target.NAME], or \"{target}\"", did_you_mean(name, names));
  }

  void read_users(TableReader& table, Route& route) {
    std::vector<std::string> users;
    const Node* node = table.strings("users", users);
    if (node == nullptr) return;
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (users[i].front() != '@') continue;
      const std::string group = users[i].substr(1);
      if (config_.groups.count(group) != 0) continue;
      table.complain(node->children[i], fmt::format("route.users: found {}, expected a group of [groups]{}",
                                                    describe(node->children[i]), did_you_mean(group, keys_of(config_.groups))));
    }
    route.users = users;
  }

  void read_sources(TableReader& table, Route& route) {
    std::vector<std::string> sources;
    if (table.networks("sources", sources) != nullptr) route.sources = sources;
  }

  ChannelRule read_rule(const Node& node) {
    TableReader table(&node, "route.channel", problems_);
    ChannelRule rule;
    read_requests(table, rule);
    std::string text;
    std::optional<std::string> regex;
    const Node* command = nullptr;
    for (const auto& [key, field] : {std::pair{"command", &rule.command}, std::pair{"command_regex", &regex}}) {
      const Node* given = table.string(key, text);
      if (given == nullptr) continue;
      *field = text;
      if (!has(rule.requests, "exec") && !has(rule.requests, "session")) {
        table.complain(*given, fmt::format("route.channel.{}: only goes with request = \"exec\" or \"session\"", key));
      }
      if (command != nullptr) table.complain(*given, "route.channel: \"command\" and \"command_regex\" exclude each other");
      command = given;
    }
    if (const Node* subsystem = table.string("subsystem", text)) {
      rule.subsystem = text;
      if (!has(rule.requests, "subsystem") && !has(rule.requests, "session")) {
        table.complain(*subsystem, "route.channel.subsystem: only goes with request = \"subsystem\" or \"session\"");
      }
      if (command != nullptr) table.complain(*subsystem, "route.channel: \"command\" and \"subsystem\" can't both hold");
    }
    const Node* to = table.string("to", text);
    if (to != nullptr) {
      rule.to = text;
      check_target(table, *to, text);
      for (const std::string& request : rule.requests) {
        if (!has(kOtherRequests, request)) continue;
        table.complain(*to, fmt::format("route.channel.to: not supported yet for {} (\"deny\" is)", config::quoted(request)));
      }
    }
    if (const Node* deny = table.string("deny", text)) {
      rule.deny = text;
      if (text.empty()) table.wrong(*deny, "a reason to show to the client");
      if (to != nullptr) table.complain(*deny, "route.channel: \"to\" and \"deny\" exclude each other");
    }
    if (table.take("to") == nullptr && table.take("deny") == nullptr) {
      table.complain(node, "route.channel: expected one of the keys \"to\" and \"deny\"");
    }
    if (command != nullptr) read_command(table, *command, regex, rule);
    table.finish();
    return rule;
  }

  /// What the expression means, and whether the glob is worth a warning, depends on what the rule does: to be read last.
  static void read_command(TableReader& table, const Node& node, const std::optional<std::string>& regex, ChannelRule& rule) {
    if (regex) {
      auto compiled = CommandRegex::compile(*regex, rule.effect());
      if (compiled) {
        rule.command_regex = *std::move(compiled);
      } else {
        table.complain(node, fmt::format("route.channel.command_regex: found {}, expected a regular expression: {}",
                                         describe(node), compiled.error().detail));
      }
    } else if (rule.effect() == RuleEffect::leads && is_narrowed_glob(*rule.command)) {
      table.problems()->warn(node.place, fmt::format("route.channel.command: {}: wildcards of a rule with \"to\" don't match {}; "
                                                     "\"command_regex\" says exactly what may run",
                                                     describe(node), kNotInWildcards));
    }
  }

  /// A name or a list of names.
  void read_requests(TableReader& table, ChannelRule& rule) {
    const Node* node = table.take("request");
    if (node == nullptr) {
      table.missing("request");
      return;
    }
    std::string one;
    if (node->kind == Node::Kind::array) {
      table.strings("request", rule.requests);
      if (node->children.empty()) table.wrong(*node, "at least one name");
    } else if (table.string("request", one)) {
      rule.requests.push_back(one);
    }
    std::vector<std::string_view> known(kSessionRequests.begin(), kSessionRequests.end());
    known.insert(known.end(), kForwardRequests.begin(), kForwardRequests.end());
    known.insert(known.end(), kOtherRequests.begin(), kOtherRequests.end());
    for (std::size_t i = 0; i < rule.requests.size(); ++i) {
      if (has(known, rule.requests[i])) continue;
      const Node& item = node->kind == Node::Kind::array ? node->children[i] : *node;
      table.complain(item, fmt::format("route.channel.request: found {}, expected one of \"{}\"{}", describe(item),
                                       fmt::join(known, "\", \""), did_you_mean(rule.requests[i], known)));
    }
  }

  const Config& config_;
  Problems& problems_;
};

using List = std::optional<std::vector<std::string>>;

/// Whether `all` lets through whatever `some` does, as far as their texts tell. Absent is everything.
bool covers(const List& all, const List& some) {
  if (!all || has(*all, "*")) return true;
  return some && std::all_of(some->begin(), some->end(), [&all](const std::string& text) { return has(*all, text); });
}

/// The same of what clients ask for: without `targets` a route is for those who asked for nothing, or for its own target.
bool covers_targets(const Route& all, const Route& some) {
  if (all.targets) return some.targets && covers(all.targets, some.targets);
  if (!some.targets) return all.to == some.to;
  return all.to == kNamedTarget || covers(List{{all.to}}, some.targets);
}

/// Finds routes that no login gets since an earlier one has them all.
class EarlierRoutes {
 public:
  explicit EarlierRoutes(const std::vector<Route>& routes) : routes_(routes) {}

  /// The first of those noted that takes all that `route` would; null when none does.
  const Route* hiding(const Route& route) const {
    std::size_t first = routes_.size();
    const auto consider = [&](std::string_view user) {
      const auto theirs = by_user_.find(user);
      if (theirs == by_user_.end()) return;
      for (const std::size_t number : theirs->second)
        if (hides(routes_[number], route)) first = std::min(first, number);
    };
    consider(kEveryone);
    // Whoever has all of its users has the first of them. Nobody's route is hidden by any.
    if (!route.users) return at(first);
    if (!route.users->empty()) {
      consider(route.users->front());
    } else {
      for (const auto& [user, theirs] : by_user_) consider(user);
    }
    return at(first);
  }

  /// The last one of the routes is an earlier one from now on.
  void note_last() {
    const std::size_t number = routes_.size() - 1;
    const List& users = routes_.back().users;
    if (!users || users->empty()) by_user_[std::string(users ? kNobody : kEveryone)].push_back(number);
    for (const std::string& user : users.value_or(std::vector<std::string>())) by_user_[user].push_back(number);
  }

 private:
  static constexpr std::string_view kEveryone = "*";
  static constexpr std::string_view kNobody{};

  static bool hides(const Route& earlier, const Route& route) {
    return covers(earlier.users, route.users) && covers(earlier.sources, route.sources) && covers_targets(earlier, route);
  }
  const Route* at(std::size_t number) const { return number < routes_.size() ? &routes_[number] : nullptr; }

  const std::vector<Route>& routes_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_user_;
};

}  // namespace

void read_routes(TableReader& root, Config& config, Problems& problems) {
  RouteReader reader(config, problems);
  EarlierRoutes earlier(config.routes);
  std::set<std::string> names;
  for (const Node* node : root.tables("route")) {
    Route route = reader.read(*node, config.routes.size() + 1);
    if (!names.insert(route.name).second) {
      const Node* name = node->find("name");
      problems.add(name != nullptr ? name->place : node->place,
                   fmt::format("route.name: {} is the name of an earlier route", config::quoted(route.name)));
    }
    if (const Route* hiding = earlier.hiding(route))
      problems.warn(node->place, fmt::format("route: {} is never reached: {} comes first and takes all that it would",
                                             config::quoted(route.name), config::quoted(hiding->name)));
    config.routes.push_back(std::move(route));
    earlier.note_last();
  }
  if (config.routes.empty()) problems.warn(root.place(), "there is no [[route]]: whoever logs in gets nowhere");
}

}  // namespace sallyport::config
