#include "route/resolved_target.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "config/option_table.hpp"
#include "match/match.hpp"
#include "match/names.hpp"

namespace sallyport {
namespace {

Failure unsafe(const Target& target, std::string_view what) {
  return fail(Errc::denied, fmt::format("target {}: the placeholders give no usable {}", target.name, what));
}

/// What the target has itself, else what holds everywhere.
Algorithms combined(const Algorithms& general, const Algorithms& own) {
  Algorithms result = general;
  if (own.kex) result.kex = own.kex;
  if (own.ciphers) result.ciphers = own.ciphers;
  if (own.macs) result.macs = own.macs;
  if (own.host_keys) result.host_keys = own.host_keys;
  if (own.require_strict_kex) result.require_strict_kex = own.require_strict_kex;
  return result;
}

Result<ResolvedTarget> resolve(const Config& config, const Target& target, const OptionOverrides& route_options,
                               const ResolveInput& input, std::size_t hops_left);

/// The target that `target` is reached through, as if the user had asked for that one, on a route without options.
Result<SharedTarget> resolve_via(const Config& config, const Target& target, const ResolveInput& input, std::size_t hops_left) {
  if (target.via.empty()) return SharedTarget{};
  const auto via = config.targets.find(target.via);
  if (via == config.targets.end() || via->second.kind != TargetKind::ssh || hops_left == 0)
    return fail(Errc::config, fmt::format("target {}: \"via\" leads nowhere", target.name));
  auto resolved = resolve(config, via->second, {}, {input.user, {}}, hops_left - 1);
  if (!resolved) return fail(std::move(resolved.error()));
  return SharedTarget(std::move(*resolved));
}

Result<ResolvedTarget> resolve(const Config& config, const Target& target, const OptionOverrides& route_options,
                               const ResolveInput& input, std::size_t hops_left) {
  // The caller's names are checked where they come in; checked here again, since from here on they are in paths.
  const std::string_view asked = input.asked.empty() ? std::string_view(target.name) : input.asked;
  if (!config::is_safe_user(input.user)) return unsafe(target, "user");
  if (!config::is_safe_target(asked)) return unsafe(target, "target");
  const std::vector<config::Placeholder> placeholders{{"user", input.user}, {"target", asked}};
  const std::string user_in_path = config::in_path(input.user);
  const std::vector<config::Placeholder> in_paths{{"user", user_in_path}, {"target", asked}};

  ResolvedTarget result;
  result.name = target.name;
  result.kind = target.kind;
  result.options = config.defaults;
  config::apply(target.options, result.options);
  config::apply(route_options, result.options);
  if (target.kind == TargetKind::local) {
    result.local = target.local;
    const auto user = config::expand(target.local.user, placeholders);
    if (!user || (!user->empty() && !config::is_safe_user(*user))) return unsafe(target, "local user");
    result.local.user = *user;
    // {home} is the account's, which child/ looks up.
    const auto root = config::expand(target.local.chroot, {{"user", user_in_path}, {"home", "{home}"}});
    if (!root) return unsafe(target, "chroot");
    result.local.chroot = *root;
    return result;
  }

  const auto host = config::expand(target.host, placeholders);
  if (!host || !config::is_safe_host(*host)) return unsafe(target, "host");
  if (host->find(':') != std::string::npos && !config::parse_ip(*host)) return unsafe(target, "host");
  const auto user = config::expand(target.user, placeholders);
  if (!user || !config::is_safe_user(*user)) return unsafe(target, "login name");
  const auto known_hosts = config::expand(target.known_hosts, in_paths);
  if (!known_hosts || known_hosts->empty()) return unsafe(target, "known_hosts file");
  result.host = *host;
  result.port = target.port;
  result.user = *user;
  result.known_hosts = *known_hosts;
  // Each of these is a safe name or a number: none can begin with "-" and be taken for an option.
  const std::string port = std::to_string(target.port);
  for (const std::string& argument : target.proxy_command) {
    const auto value = config::expand(argument, config::proxy_placeholders(*host, port, *user, asked));
    if (!value) return unsafe(target, "proxy command");
    result.proxy_command.push_back(*value);
  }
  for (const Credential& credential : target.credentials) {
    const auto value = config::expand(credential.value, in_paths);
    if (!value) return unsafe(target, "credential");
    result.credentials.push_back({credential.kind, *value});
  }
  result.passphrase_file = target.passphrase_file;
  result.signer = target.signer;
  result.certificate_validity = target.certificate_validity;
  for (const std::string& principal : target.certificate_principals) {
    const auto value = config::expand(principal, {{"user", input.user}, {"target", asked}, {"login", *user}});
    if (!value) return unsafe(target, "certificate principal");
    result.certificate_principals.push_back(*value);
  }
  result.algorithms = combined(config.algorithms, target.algorithms);
  result.legacy_algorithms = target.legacy_algorithms;
  auto via = resolve_via(config, target, input, hops_left);
  if (!via) return fail(std::move(via.error()));
  result.via = std::move(*via);
  return result;
}

}  // namespace

Result<ResolvedTarget> resolve_target(const Config& config, const Target& target, const OptionOverrides& route_options,
                                      const ResolveInput& input) {
  return resolve(config, target, route_options, input, kMaxHops);
}

bool asks_a_person(const ResolvedTarget& target) {
  const bool asks = std::any_of(target.credentials.begin(), target.credentials.end(), [](const Credential& credential) {
    return credential.kind == Credential::Kind::keyboard_interactive;
  });
  return asks || (target.via && asks_a_person(*target.via));
}

std::string path_of(const ResolvedTarget& target) {
  if (!target.proxy_command.empty()) return "proxy command";
  if (!target.via) return {};
  const std::string before = path_of(*target.via);
  return "via " + target.via->name + (before.empty() ? "" : " " + before);
}

namespace {

/// The options that are a client's rights, the others as they are built in.
Options rights_among(const Options& options) {
  Options rights;
  config::for_each_row(config::kOptions, [&](const auto& row) {
    if (row.bears_on == config::BearsOn::clients) rights.*row.value = options.*row.value;
  });
  return rights;
}

SharedTarget without_options(const SharedTarget& via) {
  if (!via) return {};
  ResolvedTarget bare = *via;
  bare.options = Options{};
  bare.via = without_options(via->via);
  return SharedTarget(std::move(bare));
}

}  // namespace

ResolvedTarget rights_at(ResolvedTarget target) {
  target.options = rights_among(target.options);
  target.via = without_options(target.via);
  return target;
}

}  // namespace sallyport
