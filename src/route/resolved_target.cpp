#include "route/resolved_target.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

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

/// Writes values one behind the other such that no two different sequences look alike: each with its length or an end mark.
class Fingerprint {
 public:
  void add(std::string_view text) { out_ += fmt::format("{}:{};", text.size(), text); }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(std::uint64_t number) { out_ += fmt::format("{};", number); }
  void add(std::uint32_t number) { add(std::uint64_t{number}); }
  void add(bool flag) { out_ += flag ? "y;" : "n;"; }
  void add(Duration duration) { out_ += fmt::format("{}ms;", duration.count()); }
  template <typename T>
  void add(const std::vector<T>& values) {
    out_ += fmt::format("[{};", values.size());
    for (const T& value : values) add(value);
  }
  template <typename T>
  void add(const std::map<std::string, T>& values) {
    out_ += fmt::format("{{{};", values.size());
    for (const auto& [key, value] : values) {
      add(key);
      add(value);
    }
  }
  template <typename T>
  void add(const std::optional<T>& value) {
    add(value.has_value());
    if (value) add(*value);
  }
  void add(const Credential& credential) {
    add(static_cast<std::uint64_t>(credential.kind));
    add(credential.value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace

namespace {

Result<ResolvedTarget> resolve(const Config& config, const Target& target, const OptionOverrides& route_options,
                               const ResolveInput& input, std::size_t hops_left);

/// The target that `target` is reached through, as if the user had asked for that one, on a route without options.
Result<ViaTarget> resolve_via(const Config& config, const Target& target, const ResolveInput& input, std::size_t hops_left) {
  if (target.via.empty()) return ViaTarget{};
  const auto via = config.targets.find(target.via);
  if (via == config.targets.end() || via->second.kind != TargetKind::ssh || hops_left == 0)
    return fail(Errc::config, fmt::format("target {}: \"via\" leads nowhere", target.name));
  auto resolved = resolve(config, via->second, {}, {input.user, {}}, hops_left - 1);
  if (!resolved) return fail(std::move(resolved.error()));
  return ViaTarget(std::move(*resolved));
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
  target.options.apply_to(result.options);
  route_options.apply_to(result.options);
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

std::string policy_fingerprint(const ResolvedTarget& target) {
  Fingerprint out;
  out.add(target.name);
  out.add(target.kind == TargetKind::local);
  out.add(target.host);
  out.add(std::uint64_t{target.port});
  out.add(target.user);
  out.add(target.credentials);
  out.add(target.passphrase_file);
  out.add(target.signer);
  out.add(target.certificate_validity);
  out.add(target.certificate_principals);
  out.add(target.known_hosts);
  out.add(target.proxy_command);
  out.add(target.via ? policy_fingerprint(*target.via) : std::string());
  out.add(target.algorithms.kex);
  out.add(target.algorithms.ciphers);
  out.add(target.algorithms.macs);
  out.add(target.algorithms.host_keys);
  out.add(target.algorithms.require_strict_kex);
  out.add(target.legacy_algorithms);
  out.add(target.local.user);
  out.add(target.local.shell);
  out.add(target.local.environment);
  out.add(target.local.accept_environment);
  out.add(target.local.subsystems);
  out.add(target.local.permit_accounts);
  out.add(target.local.groups);
  out.add(target.local.umask);
  out.add(target.local.limits);
  out.add(target.local.chroot);
  out.add(target.local.no_new_privs);
  out.add(target.local.record_login);
  const Options& options = target.options;
  out.add(options.idle_timeout);
  out.add(options.linger);
  out.add(options.warm);
  out.add(options.max_age);
  out.add(options.channels_per_trunk);
  out.add(options.keepalive_interval);
  out.add(options.keepalive_count);
  out.add(options.connect_timeout);
  out.add(options.forward_agent);
  out.add(options.forward_x11);
  out.add(options.local_forwarding);
  out.add(static_cast<std::uint64_t>(options.jump));
  out.add(options.remote_forwarding);
  out.add(options.channel_timeouts);
  out.add(static_cast<std::uint64_t>(options.rate_limit));
  out.add(static_cast<std::uint64_t>(options.record));
  out.add(static_cast<std::uint64_t>(options.host_key_policy));
  out.add(options.update_host_keys);
  out.add(options.permit_pty);
  out.add(options.permit_subsystems);
  out.add(options.force_command);
  out.add(options.max_connections);
  out.add(options.reuse_after_mfa);
  return out.take();
}

}  // namespace sallyport
