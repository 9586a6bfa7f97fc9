// [target.NAME]
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/include.hpp"
#include "config/option_table.hpp"
#include "config/sections.hpp"
#include "config/suggest.hpp"
#include "match/match.hpp"
#include "match/names.hpp"
#include "match/units.hpp"

namespace sallyport::config {
namespace {

constexpr std::array<std::string_view, 11> kSshKeys{
    "address", "credentials",     "known_hosts", "algorithms",           "legacy_algorithms",     "proxy_command",
    "via",     "passphrase_file", "signer",      "certificate_validity", "certificate_principals"};
constexpr std::array<std::string_view, 11> kLocalKeys{
    "shell",  "environment", "accept_environment", "subsystems",  "permit_accounts", "groups", "umask",
    "limits", "chroot",      "no_new_privs",       "record_login"};

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
    const auto known = std::find_if(kCredentials.begin(), kCredentials.end(), [text](const CredentialName& name) {
      return name.has_path() ? text.starts_with(name.text) && text.size() > name.text.size() : text == name.text;
    });
    if (known == kCredentials.end()) {
      std::vector<std::string_view> names;
      names.reserve(kCredentials.size());
      for (const CredentialName& name : kCredentials) names.push_back(name.text);
      table.complain(
          item, fmt::format(
                    "{}: found {}, expected one of \"key:FILE\", \"agent:SOCKET\", \"forwarded-agent\", \"password-file:FILE\", "
                    "\"password\", \"keyboard-interactive\", \"signer\", \"ca:FILE\"{}",
                    table.name_of("credentials"), describe(item), did_you_mean(text, names)));
      continue;
    }
    Credential credential{known->kind, {}};
    if (known->has_path()) {
      credential.value = resolved_path(*item.place.file, item.text.substr(known->text.size()));
      if (!check_template(table, item, credential.value)) continue;
    }
    target.credentials.push_back(std::move(credential));
  }
}

void read_issuing(TableReader& table, Target& target) {
  std::string passphrase;
  if (const Node* node = table.string("passphrase_file", passphrase)) {
    const bool of_systemd = passphrase.starts_with("credential:");
    target.passphrase_file = of_systemd ? passphrase : resolved_path(*node->place.file, passphrase);
  }
  if (const Node* node = table.command("signer", target.signer)) {
    for (const Node& item : node->children) {
      if (expand(item.text, signer_placeholders({}))) continue;
      table.complain(item, fmt::format("{}: found {}, expected no other placeholder than {{user}}, {{target}}, {{login}}, "
                                       "{{identity}}, {{principals}}, {{validity}} and {{key}}",
                                       table.name_of("signer"), describe(item)));
    }
  }
  table.duration("certificate_validity", target.certificate_validity, std::chrono::seconds(10), kMaxDuration);
  if (const Node* node = table.strings("certificate_principals", target.certificate_principals)) {
    if (node->children.empty()) table.wrong(*node, "at least one name");
    for (const Node& item : node->children) {
      if (expand(item.text, {{"user", "u"}, {"target", "t"}, {"login", "l"}})) continue;
      table.complain(item, fmt::format("{}: found {}, expected no other placeholder than {{user}}, {{target}} and {{login}}",
                                       table.name_of("certificate_principals"), describe(item)));
    }
  }
  for (const Credential& credential : target.credentials) {
    if (credential.kind == Credential::Kind::signer && target.signer.empty())
      table.complain(*table.take("credentials"),
                     fmt::format("{}: \"signer\" needs the key \"signer\", a program", table.name_of("credentials")));
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

constexpr std::array<std::string_view, 14> kResourceLimits{"as",       "core", "cpu",    "data",  "fsize", "locks",  "memlock",
                                                           "msgqueue", "nice", "nofile", "nproc", "rss",   "rtprio", "stack"};

void read_resource_limits(TableReader& table, LocalSettings& local, Problems& problems) {
  const Node* node = table.table("limits");
  if (node == nullptr) return;
  TableReader limits(node, table.name_of("limits"), problems);
  for (const std::string_view name : kResourceLimits) {
    const Node* value = limits.take(name);
    if (value == nullptr) continue;
    if (value->kind == Node::Kind::integer && value->integer >= 0) {
      local.limits[std::string(name)] = std::to_string(value->integer);
    } else if (value->kind == Node::Kind::string && value->text == "unlimited") {
      local.limits[std::string(name)] = value->text;
    } else {
      limits.wrong(*value, "a number, in the unit of setrlimit(2), or \"unlimited\"");
    }
  }
  limits.finish();
}

/// What the account is allowed, and what it is to be.
void read_account(TableReader& table, LocalSettings& local, Problems& problems) {
  table.strings("permit_accounts", local.permit_accounts);
  table.strings("groups", local.groups);
  std::string text;
  if (const Node* node = table.string("umask", text)) {
    const bool octal = !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
    const unsigned long value = octal ? std::stoul(text, nullptr, 8) : 01000;
    if (value > 0777) {
      table.wrong(*node, "an octal number such as \"0077\"");
    } else {
      local.umask = static_cast<std::uint32_t>(value);
    }
  }
  read_resource_limits(table, local, problems);
  if (const Node* node = table.path("chroot", local.chroot)) {
    if (node->text.starts_with("{home}")) local.chroot = node->text;
    if (!expand(local.chroot, {{"user", "u"}, {"home", "h"}}))
      table.wrong(*node, "a path with no other placeholder than {user} and {home}");
  }
  table.boolean("no_new_privs", local.no_new_privs);
  table.boolean("record_login", local.record_login);
}

void read_ssh(TableReader& table, Target& target, Problems& problems) {
  read_address(table, target);
  read_user(table, target.user);
  read_credentials(table, target);
  read_issuing(table, target);
  if (const Node* node = table.path("known_hosts", target.known_hosts)) {
    check_template(table, *node, target.known_hosts);
  } else if (table.take("known_hosts") == nullptr) {
    table.missing("known_hosts");
  }
  read_proxy_command(table, target.proxy_command);
  const Node* via = table.string("via", target.via);
  if (via != nullptr && table.take("proxy_command") != nullptr)
    table.complain(*via, fmt::format("{}: \"via\" and \"proxy_command\" exclude each other", table.name_of("via")));
  read_algorithms(table.table("algorithms"), table.name_of("algorithms"), target.algorithms, problems);
  if (const Node* node = table.boolean("legacy_algorithms", target.legacy_algorithms);
      node != nullptr && target.legacy_algorithms)
    problems.warn(node->place,
                  fmt::format("{}: SHA-1, CBC and short RSA keys are taken there: whoever is on the way may read along",
                              table.name_of("legacy_algorithms")));
  for (const std::string_view key : kLocalKeys) table.misplaced(key, "only a target with kind = \"local\" has it");
}

void read_local(TableReader& table, Target& target, Problems& problems) {
  read_user(table, target.local.user);
  table.command("shell", target.local.shell);
  read_environment(table, target.local, problems);
  table.strings("accept_environment", target.local.accept_environment);
  read_subsystems(table, target.local, problems);
  read_account(table, target.local, problems);
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
    problems.add(node.place, fmt::format("{}: found {}, which is reached through {} itself", name, describe(node),
                                         config::quoted(target.name)));
  } else if (chain.hops > kMaxHops && chain.hops <= config.targets.size()) {
    problems.add(node.place,
                 fmt::format("{}: found a chain of {} targets, expected no more than {}", name, chain.hops, kMaxHops));
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
      problems.add(child.key_place,
                   fmt::format("target: found the name {}, expected letters, digits and . _ -", config::quoted(child.key)));
      continue;
    }
    Target target;
    target.name = child.key;
    TableReader table(&child, "target." + child.key, problems);
    const Node* kind = table.word<TargetKind>("kind", target.kind, kTargetKinds.words);
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
