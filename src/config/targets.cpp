// [target.NAME]
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/include.hpp"
#include "config/match.hpp"
#include "config/names.hpp"
#include "config/sections.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"

namespace sallyport::config {
namespace {

constexpr std::array<std::string_view, 6> kSshKeys{"address", "credentials", "known_hosts", "algorithms",
                                                   "proxy_command", "via"};
constexpr std::array<std::string_view, 4> kLocalKeys{"shell", "environment", "accept_environment", "subsystems"};

/// A name that a shell can set (POSIX, 8.1, with lower case).
bool is_variable_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void read_address(TableReader& table, Target& target) {
  std::string text;
  const Node* node = table.string("address", text);
  if (node == nullptr) {
    if (table.take("address") == nullptr) table.missing("address");
    return;
  }
  const auto parsed = parse_host_port(text);
  const auto host = parsed ? expand(parsed->host, {{"user", "u"}, {"target", "t"}}) : std::nullopt;
  if (!host || !is_safe_host(*host) || parsed->port == std::uint16_t{0} ||
      (host->find(':') != std::string::npos && !parse_ip(*host))) {
    table.wrong(*node, "a host and perhaps a port, such as \"10.0.0.5:22\" or \"{target}.internal\"");
    return;
  }
  target.host = parsed->host;
  target.port = parsed->port.value_or(22);
}

void read_credentials(TableReader& table, Target& target) {
  std::vector<std::string> texts;
  const Node* node = table.strings("credentials", texts);
  if (node == nullptr) {
    if (table.take("credentials") == nullptr) table.missing("credentials");
    return;
  }
  if (texts.empty()) table.wrong(*node, "at least one credential, such as \"key:keys/{user}_ed25519\"");
  for (const Node& item : node->children) {
    const std::string_view text = item.text;
    const std::string_view kind = text.substr(0, text.find(':'));
    if (kind == "key" && text.size() > 4) {
      const std::string path = resolved_path(*item.place.file, item.text.substr(4));
      if (check_template(table, item, path, true)) target.credentials.push_back({Credential::Kind::key_file, path});
    } else if (kind == "agent" || kind == "forwarded-agent" || kind == "password-file") {
      table.complain(item, fmt::format("{}: {} is not supported yet, only \"key:FILE\" is", table.name_of("credentials"), config::quoted(text)));
    } else {
      table.complain(item, fmt::format("{}: found {}, expected \"key:FILE\"{}", table.name_of("credentials"), describe(item),
                                       did_you_mean(kind, {"key", "agent", "forwarded-agent", "password-file"})));
    }
  }
}

void read_user(TableReader& table, std::string& user) {
  std::string text;
  const Node* node = table.string("user", text);
  if (node == nullptr) return;
  const auto expanded = expand(text, {{"user", "u"}, {"target", "t"}});
  if (expanded && is_safe_user(*expanded)) {
    user = text;
  } else {
    table.wrong(*node, "a login name, perhaps with {user} or {target}");
  }
}

void read_proxy_command(TableReader& table, std::vector<std::string>& argv) {
  const Node* node = table.command("proxy_command", argv);
  if (node == nullptr) return;
  for (const Node& item : node->children) {
    const bool program = &item == &node->children.front();
    if (expand(item.text, program ? std::vector<Placeholder>{} : proxy_placeholders("h", "22", "u", "t"))) continue;
    table.complain(item, fmt::format("{}: found {}, expected {}", table.name_of("proxy_command"), describe(item),
                                     program ? "a program's path without placeholders"
                                             : "no other placeholder than {host}, {port}, {user} and {target}"));
  }
}

void read_environment(TableReader& table, LocalSettings& local, Problems& problems) {
  const Node* node = table.table("environment");
  if (node == nullptr) return;
  TableReader variables(node, table.name_of("environment"), problems);
  for (const Node& child : node->children) {
    if (!is_variable_name(child.key)) {
      problems.add(child.key_place, fmt::format("{}: found the name {}, expected letters, digits and _, no digit first",
                                                table.name_of("environment"), config::quoted(child.key)));
    }
    std::string value;
    if (variables.string(child.key, value)) local.environment[child.key] = value;
  }
}

void read_subsystems(TableReader& table, LocalSettings& local, Problems& problems) {
  const Node* node = table.table("subsystems");
  if (node == nullptr) return;
  TableReader subsystems(node, table.name_of("subsystems"), problems);
  for (const Node& child : node->children) {
    std::vector<std::string> argv;
    if (subsystems.command(child.key, argv)) local.subsystems[child.key] = argv;
  }
}

void read_ssh(TableReader& table, Target& target, Problems& problems) {
  read_address(table, target);
  read_user(table, target.user);
  read_credentials(table, target);
  if (const Node* node = table.path("known_hosts", target.known_hosts)) {
    check_template(table, *node, target.known_hosts, true);
  } else if (table.take("known_hosts") == nullptr) {
    table.missing("known_hosts");
  }
  read_proxy_command(table, target.proxy_command);
  const Node* via = table.string("via", target.via);
  if (via != nullptr && table.take("proxy_command") != nullptr)
    table.complain(*via, fmt::format("{}: \"via\" and \"proxy_command\" exclude each other", table.name_of("via")));
  read_algorithms(table.table("algorithms"), table.name_of("algorithms"), target.algorithms, problems);
  for (const std::string_view key : kLocalKeys) table.misplaced(key, "only a target with kind = \"local\" has it");
}

void read_local(TableReader& table, Target& target, Problems& problems) {
  read_user(table, target.local.user);
  table.command("shell", target.local.shell);
  read_environment(table, target.local, problems);
  table.strings("accept_environment", target.local.accept_environment);
  read_subsystems(table, target.local, problems);
  for (const std::string_view key : kSshKeys) table.misplaced(key, "only a target with kind = \"ssh\" has it");
}

/// Where the chain that begins with `target` leads.
struct Chain {
  std::size_t hops = 0;
  bool comes_back = false;  ///< to `target` itself
};

Chain chain_of(const Config& config, const Target& target) {
  Chain chain;
  const Target* at = &target;
  // A loop that doesn't come back to `target` is found by its members; here it only mustn't go on for ever.
  while (!at->via.empty() && chain.hops <= config.targets.size()) {
    const auto next = config.targets.find(at->via);
    if (next == config.targets.end()) break;
    ++chain.hops;
    at = &next->second;
    if (at == &target) return {chain.hops, true};
  }
  return chain;
}

/// Once all targets are known.
void check_via(const Config& config, const Target& target, const Node& node, Problems& problems) {
  const std::string name = fmt::format("target.{}.via", target.name);
  const auto next = config.targets.find(target.via);
  if (next == config.targets.end() || next->second.kind != TargetKind::ssh) {
    std::vector<std::string_view> names;
    for (const auto& [other, its] : config.targets)
      if (its.kind == TargetKind::ssh && other != target.name) names.push_back(other);
    problems.add(node.place, fmt::format("{}: found {}, expected the name of a [target.NAME] of kind \"ssh\"{}", name,
                                         describe(node), did_you_mean(target.via, names)));
    return;
  }
  const Chain chain = chain_of(config, target);
  if (chain.comes_back) {
    problems.add(node.place, fmt::format("{}: found {}, which is reached through {} itself", name, describe(node), quoted(target.name)));
  } else if (chain.hops > kMaxHops && chain.hops <= config.targets.size()) {
    problems.add(node.place, fmt::format("{}: found a chain of {} targets, expected no more than {}", name, chain.hops, kMaxHops));
  }
}

}  // namespace

void read_targets(TableReader& root, Config& config, Problems& problems) {
  const Node* node = root.table("target");
  if (node == nullptr) return;
  std::map<std::string, const Node*> vias;  // by the target's name
  for (const Node& child : node->children) {
    if (child.kind != Node::Kind::table) {
      problems.add(child.place, fmt::format("target.{}: found {}, expected a table", child.key, describe(child)));
      continue;
    }
    if (!is_safe_target(child.key)) {
      problems.add(child.key_place, fmt::format("target: found the name {}, expected letters, digits and . _ -", config::quoted(child.key)));
      continue;
    }
    Target target;
    target.name = child.key;
    TableReader table(&child, "target." + child.key, problems);
    const Node* kind = table.word<TargetKind>("kind", target.kind, {{"ssh", TargetKind::ssh}, {"local", TargetKind::local}});
    // With an unreadable kind, nothing is known about the other keys but that they could be right.
    const bool unknown_kind = kind == nullptr && table.take("kind") != nullptr;
    if (!unknown_kind) {
      target.kind == TargetKind::local ? read_local(table, target, problems) : read_ssh(table, target, problems);
      read_options(table, target.options);
      table.finish();
    }
    if (!target.via.empty()) vias.emplace(target.name, table.take("via"));
    config.targets.emplace(target.name, std::move(target));
  }
  for (const auto& [name, via] : vias) check_via(config, config.targets.at(name), *via, problems);
}

}  // namespace sallyport::config
