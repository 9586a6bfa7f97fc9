// -T: a Config as TOML.
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "config/load.hpp"
#include "config/option_table.hpp"
#include "match/names.hpp"
#include "match/units.hpp"

namespace sallyport::config {
namespace {

using Strings = std::vector<std::string>;

/// A basic string of TOML. What is not ASCII is UTF-8, or it would not have been read.
std::string text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string text(const Strings& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ", ";
    out += text(value);
  }
  return out + "]";
}

std::string text(Duration value) { return text(format_duration(value)); }
std::string text(std::uint32_t value) { return fmt::format("{}", value); }
std::string text(bool value) { return value ? "true" : "false"; }

/// A table in one line, whose values are written by `text_of`.
template <typename TextOf>
std::string inline_table(const std::map<std::string, std::string>& values, TextOf text_of) {
  std::string out = "{";
  for (const auto& [key, value] : values) out += fmt::format("{} {} = {}", out.size() > 1 ? "," : "", text(key), text_of(value));
  return out + (values.empty() ? "}" : " }");
}

std::string text(const std::map<std::string, std::string>& values) {
  return inline_table(values, [](const std::string& value) { return text(value); });
}

/// The numbers of setrlimit(2), and words.
std::string limits_text(const std::map<std::string, std::string>& limits) {
  return inline_table(limits, [](const std::string& value) { return value == "unlimited" ? text(value) : value; });
}

class Writer {
 public:
  void heading(std::string_view name) { fmt::format_to(std::back_inserter(out_), "{}{}\n", out_.empty() ? "" : "\n", name); }

  /// `value` as the file has it.
  void line(std::string_view key, std::string_view value) { fmt::format_to(std::back_inserter(out_), "{} = {}\n", key, value); }

  template <typename T>
  void entry(std::string_view key, const T& value) {
    line(key, text(value));
  }
  void entry(std::string_view key, const Written& value) {
    std::visit([this, key](const auto& one) { line(key, text(one)); }, value);
  }
  void entry(std::string_view key, const char* value) { entry(key, std::string(value)); }

  template <typename T>
  void entry(std::string_view key, const std::optional<T>& value) {
    if (value) entry(key, *value);
  }

  /// Both Options and OptionOverrides.
  template <typename T>
  void options(const T& options) {
    for_each_row(kOptions, [&](const auto& row) { entry(row.name, written(row.syntax, row.in(options))); });
  }

  /// A table of option_table.hpp.
  template <typename Table, typename Owner>
  void keys(const Table& table, const Owner& owner) {
    for_each_row(table, [&](const auto& key) { entry(key.name, key.syntax.written(owner.*key.value)); });
  }

  void algorithms(std::string_view name, const Algorithms& algorithms) {
    if (algorithms == Algorithms{}) return;
    heading(fmt::format("[{}]", name));
    entry("kex", algorithms.kex);
    entry("ciphers", algorithms.ciphers);
    entry("macs", algorithms.macs);
    entry("host_keys", algorithms.host_keys);
    entry("require_strict_kex", algorithms.require_strict_kex);
  }

  void target(const Target& target) {
    const std::string name = "target." + text(target.name);
    heading(fmt::format("[{}]", name));
    if (target.kind == TargetKind::ssh) {
      entry("kind", "ssh");
      entry("address", format_host_port(target.host, target.port));
      entry("user", target.user);
      Strings credentials;
      for (const Credential& credential : target.credentials) credentials.push_back(credential_text(credential));
      entry("credentials", credentials);
      if (!target.passphrase_file.empty()) entry("passphrase_file", target.passphrase_file);
      if (!target.signer.empty()) entry("signer", target.signer);
      entry("certificate_validity", target.certificate_validity);
      entry("certificate_principals", target.certificate_principals);
      entry("known_hosts", target.known_hosts);
      if (!target.via.empty()) entry("via", target.via);
      if (!target.proxy_command.empty()) entry("proxy_command", target.proxy_command);
      entry("legacy_algorithms", target.legacy_algorithms);
      options(target.options);
      algorithms(name + ".algorithms", target.algorithms);
      return;
    }
    entry("kind", "local");
    if (!target.local.user.empty()) entry("user", target.local.user);
    entry("shell", target.local.shell);
    entry("accept_environment", target.local.accept_environment);
    entry("permit_accounts", target.local.permit_accounts);
    entry("groups", target.local.groups);
    if (target.local.umask) entry("umask", fmt::format("{:04o}", *target.local.umask));
    if (!target.local.limits.empty()) line("limits", limits_text(target.local.limits));
    if (!target.local.chroot.empty()) entry("chroot", target.local.chroot);
    entry("no_new_privs", target.local.no_new_privs);
    entry("record_login", target.local.record_login);
    options(target.options);
    map(name + ".environment", target.local.environment);
    map(name + ".subsystems", target.local.subsystems);
  }

  void route(const Route& route) {
    heading("[[route]]");
    entry("name", route.name);
    entry("users", route.users);
    entry("targets", route.targets);
    entry("sources", route.sources);
    if (!route.valid.empty()) entry("valid", route.valid);
    if (!route.require.empty()) entry("require", route.require);
    entry("to", route.to);
    options(route.options);
    for (const ChannelRule& rule : route.channels) {
      heading("[[route.channel]]");
      entry("request", rule.requests);
      entry("command", rule.command);
      if (rule.command_regex) entry("command_regex", rule.command_regex->text());
      entry("subsystem", rule.subsystem);
      entry("to", rule.to);
      entry("deny", rule.deny);
    }
  }

  template <typename T>
  void map(std::string_view name, const std::map<std::string, T>& values) {
    if (values.empty()) return;
    heading(fmt::format("[{}]", name));
    for (const auto& [key, value] : values) entry(text(key), value);
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write_auth(Writer& out, const AuthSettings& auth) {
  if (!auth.authorized_keys_command.empty()) out.entry("authorized_keys_command", auth.authorized_keys_command);
  if (!auth.authorized_keys_command_user.empty()) out.entry("authorized_keys_command_user", auth.authorized_keys_command_user);
  out.entry("authorized_keys_command_timeout", auth.authorized_keys_command_timeout);
  out.entry("strict_modes", auth.strict_modes);
  out.entry("permit_user_environment", auth.permit_user_environment);
  out.entry("min_rsa_size", auth.min_rsa_size);
  out.entry("trusted_user_ca_keys", auth.trusted_user_ca_keys);
  out.entry("authorized_principals", auth.authorized_principals);
  out.entry("revoked_keys", auth.revoked_keys);
  if (!auth.pam_service.empty()) out.entry("pam_service", auth.pam_service);
  if (!auth.password_file.empty()) out.entry("password_file", auth.password_file);
  if (!auth.totp_file.empty()) out.entry("totp_file", auth.totp_file);
  out.entry("failure_delay", auth.failure_delay);
  out.entry("max_password_failures_per_user", auth.max_password_failures_per_user);
  out.entry("password_failure_window", auth.password_failure_window);
}

void write_settings(Writer& out, const Config& config) {
  for (const ListenAddress& listen : config.listens) {
    out.heading("[[listen]]");
    out.entry("address", format_host_port(listen.host, listen.port));
    if (!listen.proxy_protocol_from.empty()) out.entry("proxy_protocol_from", listen.proxy_protocol_from);
  }
  out.heading("[server]");
  out.entry("host_keys", config.server.host_keys);
  if (!config.server.control_socket.empty()) out.entry("control_socket", config.server.control_socket);
  const std::string& banner = config.server.banner;
  if (!banner.empty()) out.entry("banner", (banner.front() == '@' ? "@" : "") + banner);
  out.entry("identification", config.server.identification);
  out.entry("login_separator", config.server.login_separator);
  out.entry("on_reload", kOnReload.written(config.server.on_reload));
  out.entry("drain_timeout", config.server.drain_timeout);
  out.heading("[log]");
  out.keys(kLogKeys, config.log);
  if (!config.audit.file.empty()) {
    out.heading("[audit]");
    out.entry("file", config.audit.file);
  }
  out.heading("[auth]");
  out.entry("methods", config.auth.methods);
  out.entry("authorized_keys", config.auth.authorized_keys);
  out.entry("max_authorized_keys_size", format_size(config.auth.max_authorized_keys_size));
  write_auth(out, config.auth);
  out.algorithms("algorithms", config.algorithms);
  out.heading("[limits]");
  out.keys(kLimitKeys, config.limits);
  out.heading("[penalties]");
  out.keys(kPenaltyKeys, config.penalties);
}

}  // namespace

std::string to_toml(const Config& config) {
  Writer out;
  write_settings(out, config);
  out.map("groups", config.groups);
  out.heading("[defaults]");
  out.options(config.defaults);
  for (const auto& [name, target] : config.targets) out.target(target);
  for (const Route& route : config.routes) out.route(route);
  return out.take();
}

}  // namespace sallyport::config
