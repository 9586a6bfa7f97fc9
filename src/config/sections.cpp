#include "config/sections.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "config/algorithm_names.hpp"
#include "config/include.hpp"
#include "config/option_table.hpp"
#include "config/suggest.hpp"
#include "match/match.hpp"
#include "match/names.hpp"
#include "match/units.hpp"

namespace sallyport::config {
namespace {

constexpr std::uint32_t kMaxCount = 1000000;
constexpr std::size_t kMaxBanner = 128 * 1024;   // a stranger who doesn't read it has it in our memory
constexpr std::size_t kMaxIdentification = 240;  // RFC 4253, 4.2: 255 with "SSH-2.0-" and CR LF

/// A banner goes to a terminal; besides text it may hold line ends and tabs.
bool is_banner(std::string_view text) {
  return text.size() <= kMaxBanner && std::none_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f;
         });
}

void read_banner(TableReader& table, const Files& files, std::string& banner) {
  std::string text;
  const Node* node = table.string("banner", text);
  if (node == nullptr) return;
  if (text.rfind("@@", 0) == 0) {
    text.erase(0, 1);  // the way to write a text that begins with @
  } else if (text.rfind('@', 0) == 0) {
    const std::string path = resolved_path(*node->place.file, text.substr(1));
    auto contents = files.read(path);
    if (!contents) {
      table.complain(*node, fmt::format("server.banner: can't read {}: {}", path, contents.error().detail));
      return;
    }
    text = *contents;
  }
  if (!is_banner(text)) {
    table.complain(*node,
                   fmt::format("server.banner: expected text without control characters, of at most {} bytes", kMaxBanner));
    return;
  }
  banner = text;
}

std::string hint_for(const std::string& name, const std::vector<std::string_view>& known) {
  const auto& legacy = legacy_names();
  if (std::find(legacy.begin(), legacy.end(), name) != legacy.end()) return "; a target with legacy_algorithms = true offers it";
  if (name.starts_with("ssh-dss") || name.find("md5") != std::string::npos)
    return "; libssh, which does this, doesn't have it any more";
  return did_you_mean(name, known);
}

void read_names(TableReader& table, std::string_view key, const std::vector<std::string_view>& known,
                std::optional<std::vector<std::string>>& out) {
  std::vector<std::string> names;
  const Node* node = table.strings(key, names);
  if (node == nullptr) return;
  if (names.empty()) {
    table.wrong(*node, "at least one name");
    return;
  }
  bool good = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(known.begin(), known.end(), names[i]) != known.end()) continue;
    table.complain(node->children[i], fmt::format("{}: found {}, expected the name of an algorithm that this build knows{}",
                                                  table.name_of(key), describe(node->children[i]), hint_for(names[i], known)));
    good = false;
  }
  if (good) out = names;
}

/// Whether two sockets can't both listen: at the same port, and one of them at all addresses or both at the same one.
bool collide(const ListenAddress& a, const ListenAddress& b) {
  const auto first = parse_ip(a.host);
  const auto second = parse_ip(b.host);
  if (!first || !second || a.port == 0 || a.port != b.port || first->bits != second->bits) return false;
  const IpAddress everywhere{{}, first->bits};
  return *first == *second || *first == everywhere || *second == everywhere;
}

/// The last one, against those before.
void check_listen(TableReader& table, const Node& address, const std::vector<ListenAddress>& listens) {
  for (std::size_t i = 0; i + 1 < listens.size(); ++i) {
    if (!collide(listens[i], listens.back())) continue;
    const std::string other = format_host_port(listens[i].host, listens[i].port);
    return table.complain(
        address, fmt::format("listen.address: found {}, where {} listens already", describe(address), config::quoted(other)));
  }
}

/// The keys of a table of option_table.hpp.
template <typename Table, typename Owner>
void read_keys(const Table& keys, TableReader& table, Owner& owner) {
  for_each_row(keys, [&](const auto& key) { key.syntax.read(table, key.name, owner.*key.value); });
}

}  // namespace

void read_listens(TableReader& root, Config& config) {
  Problems* problems = root.problems();
  for (const Node* node : root.tables("listen")) {
    TableReader table(node, "listen", *problems);
    std::string text;
    if (const Node* address = table.string("address", text)) {
      const auto parsed = parse_host_port(text);
      const bool bracketed = text.rfind('[', 0) == 0;
      if (parsed && parsed->port && parse_ip(parsed->host) && (parsed->host.find(':') != std::string::npos) == bracketed) {
        config.listens.push_back({parsed->host, *parsed->port});
        check_listen(table, *address, config.listens);
      } else {
        table.wrong(*address, "an IP address and a port, such as \"127.0.0.1:2222\" or \"[::]:2222\"");
      }
    } else if (table.take("address") == nullptr) {
      table.missing("address");
    }
    std::vector<std::string> networks;
    if (table.networks("proxy_protocol_from", networks) != nullptr && !config.listens.empty())
      config.listens.back().proxy_protocol_from = networks;
    table.finish();
  }
  if (root.take("listen") == nullptr) problems->add(root.place(), "expected at least one [[listen]] with an address");
}

void read_server(TableReader& root, const Files& files, Config& config, Problems& problems) {
  const Node* node = root.table("server");
  TableReader table(node, "server", problems);
  ServerSettings& server = config.server;
  for (std::string& path : server.host_keys) path = resolved_path(config.file, path);
  const Node* keys = table.paths("host_keys", server.host_keys);
  if (keys != nullptr && server.host_keys.empty()) table.wrong(*keys, "at least one file");
  if (const Node* socket = table.path("control_socket", server.control_socket)) {
    constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un
    if (server.control_socket.size() > kMaxSocketPath) {
      table.wrong(*socket, fmt::format("a path of at most {} bytes, when made absolute", kMaxSocketPath));
    }
  }
  read_banner(table, files, server.banner);
  if (const Node* identification = table.string("identification", server.identification)) {
    const std::string& text = server.identification;
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    const std::string_view software = std::string_view(text).substr(0, text.find(' '));
    if (software.empty() || !printable || text.size() > kMaxIdentification || software.find('-') != std::string_view::npos) {
      table.wrong(*identification, "a software version without \"-\", and perhaps a comment behind a space, in printable ASCII");
    }
  }
  if (const Node* separator = table.string("login_separator", server.login_separator)) {
    const std::string& text = server.login_separator;
    // Letters and digits would cut names in half; : @ / mean something to scp, rsync and git.
    const bool good = text.size() == 1 && std::string_view("+%,=~^#!._-").find(text[0]) != std::string_view::npos;
    if (!good) table.wrong(*separator, "one of the characters + % , = ~ ^ # ! . _ -");
  }
  kOnReload.read(table, "on_reload", server.on_reload);
  table.duration("drain_timeout", server.drain_timeout, Duration(0), kMaxDuration);
  table.finish();
}

void read_log(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("log"), "log", problems);
  read_keys(kLogKeys, table, config.log);
  table.finish();
}

void read_audit(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("audit"), "audit", problems);
  table.path("file", config.audit.file);
  table.finish();
}

namespace {

constexpr std::array<std::string_view, 3> kMethods{"publickey", "password", "keyboard-interactive"};

bool is_method(std::string_view name) { return std::find(kMethods.begin(), kMethods.end(), name) != kMethods.end(); }

/// "a" or "a+b", each method once.
bool is_chain(std::string_view text) {
  std::vector<std::string_view> seen;
  for (std::string_view rest = text;;) {
    const std::string_view method = rest.substr(0, rest.find('+'));
    if (!is_method(method) || std::find(seen.begin(), seen.end(), method) != seen.end()) return false;
    seen.push_back(method);
    if (method.size() == rest.size()) return true;
    rest.remove_prefix(method.size() + 1);
  }
}

void read_methods(TableReader& table, AuthSettings& auth) {
  std::vector<std::string> methods;
  const Node* node = table.strings("methods", methods);
  if (node == nullptr) return;
  if (methods.empty()) table.wrong(*node, "at least one method");
  for (const Node& item : node->children) {
    if (is_chain(item.text)) continue;
    table.complain(
        item,
        fmt::format(
            "auth.methods: found {}, expected \"publickey\", \"password\", \"keyboard-interactive\" or several joined by \"+\"{}",
            describe(item), did_you_mean(item.text, {kMethods.begin(), kMethods.end()})));
  }
  auth.methods = methods;
}

void read_templates(TableReader& table, std::string_view key, std::vector<std::string>& out) {
  const Node* node = table.paths(key, out);
  for (std::size_t i = 0; node != nullptr && i < out.size(); ++i) {
    const std::string& written = node->children[i].text;
    if (written.starts_with("{home}/")) out[i] = written;  // which is absolute
    if (expand(out[i], {{"user", "u"}, {"home", "h"}})) continue;
    table.complain(node->children[i], fmt::format("{}: found {}, expected no other placeholder than {{user}} and {{home}}",
                                                  table.name_of(key), describe(node->children[i])));
  }
}

/// Passwords need somebody who knows them.
void check_methods(TableReader& table, const AuthSettings& auth) {
  const Node* node = table.take("methods");
  for (const std::string& chain : auth.methods) {
    const bool password = chain.find("password") != std::string::npos;
    const bool questions = chain.find("keyboard-interactive") != std::string::npos;
    if (password && auth.pam_service.empty() && auth.password_file.empty()) {
      table.complain(*node, fmt::format("auth.methods: {} needs \"pam_service\" or \"password_file\"", config::quoted(chain)));
    } else if (questions && auth.pam_service.empty() && auth.password_file.empty() && auth.totp_file.empty()) {
      table.complain(*node, fmt::format("auth.methods: {} needs \"pam_service\", \"password_file\" or \"totp_file\"",
                                        config::quoted(chain)));
    } else if (password && questions && auth.pam_service.empty() && auth.totp_file.empty()) {
      table.complain(*node, fmt::format("auth.methods: {} would ask for the same password twice: \"totp_file\" is missing",
                                        config::quoted(chain)));
    }
  }
  if (auth.pam_service.empty()) return;
  if (!auth.password_file.empty() || !auth.totp_file.empty())
    table.complain(*table.take("pam_service"), "auth: \"pam_service\" excludes \"password_file\" and \"totp_file\"");
}

}  // namespace

void read_auth(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("auth"), "auth", problems);
  AuthSettings& auth = config.auth;
  for (std::string& path : auth.authorized_keys) path = resolved_path(config.file, path);
  read_methods(table, auth);
  read_templates(table, "authorized_keys", auth.authorized_keys);
  table.size("max_authorized_keys_size", auth.max_authorized_keys_size, 1024, 1ULL << 30U);
  if (const Node* node = table.command("authorized_keys_command", auth.authorized_keys_command)) {
    for (const Node& item : node->children) {
      if (expand(item.text, {{"user", "u"}, {"key_type", "t"}, {"key", "k"}, {"fingerprint", "f"}})) continue;
      table.complain(item, fmt::format("auth.authorized_keys_command: found {}, expected no other placeholder than {{user}}, "
                                       "{{key_type}}, {{key}} and {{fingerprint}}",
                                       describe(item)));
    }
  }
  table.string("authorized_keys_command_user", auth.authorized_keys_command_user);
  // As sshd: nobody means it to run with the daemon's rights, which may be root's.
  if (!auth.authorized_keys_command.empty() && auth.authorized_keys_command_user.empty())
    table.complain(*table.take("authorized_keys_command"),
                   "auth.authorized_keys_command: needs \"authorized_keys_command_user\"");
  table.duration("authorized_keys_command_timeout", auth.authorized_keys_command_timeout, Duration(1), std::chrono::minutes(5));
  table.boolean("strict_modes", auth.strict_modes);
  table.strings("permit_user_environment", auth.permit_user_environment);
  table.number("min_rsa_size", auth.min_rsa_size, 1024, 16384);
  table.paths("trusted_user_ca_keys", auth.trusted_user_ca_keys);
  read_templates(table, "authorized_principals", auth.authorized_principals);
  table.paths("revoked_keys", auth.revoked_keys);
  if (const Node* node = table.string("pam_service", auth.pam_service); node != nullptr && !is_safe_target(auth.pam_service))
    table.wrong(*node, "the name of a service file of PAM");
  table.path("password_file", auth.password_file);
  table.path("totp_file", auth.totp_file);
  table.duration("failure_delay", auth.failure_delay, Duration(0), std::chrono::minutes(1));
  table.number("max_password_failures_per_user", auth.max_password_failures_per_user, 0, kMaxCount);
  table.duration("password_failure_window", auth.password_failure_window, std::chrono::seconds(1), kMaxDuration);
  check_methods(table, auth);
  table.finish();
}

void read_algorithms(const Node* node, const std::string& name, Algorithms& algorithms, Problems& problems) {
  TableReader table(node, name, problems);
  read_names(table, "kex", known_kex(), algorithms.kex);
  read_names(table, "ciphers", known_ciphers(), algorithms.ciphers);
  read_names(table, "macs", known_macs(), algorithms.macs);
  read_names(table, "host_keys", known_host_keys(), algorithms.host_keys);
  if (bool required = false; table.boolean("require_strict_kex", required) != nullptr) algorithms.require_strict_kex = required;
  table.finish();
}

void read_limits(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("limits"), "limits", problems);
  read_keys(kLimitKeys, table, config.limits);
  table.finish();
}

void read_penalties(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("penalties"), "penalties", problems);
  Penalties& penalties = config.penalties;
  read_keys(kPenaltyKeys, table, penalties);
  // No sum could ever reach the minimum, and nobody would be kept out.
  if (penalties.max < penalties.min) {
    const Node* min = table.take("min");
    const Node* max = table.take("max");
    const std::string bound = format_duration(max != nullptr ? penalties.min : penalties.max);
    max != nullptr ? table.wrong(*max, fmt::format("no less than \"min\", which is {}", bound))
                   : table.wrong(*min, fmt::format("no more than \"max\", which is {}", bound));
  }
  table.finish();
}

void read_groups(TableReader& root, Config& config, Problems& problems) {
  const Node* node = root.table("groups");
  if (node == nullptr) return;
  TableReader table(node, "groups", problems);
  for (const Node& child : node->children) {
    std::vector<std::string> members;
    if (!is_safe_target(child.key)) {
      problems.add(child.key_place,
                   fmt::format("groups: found the name {}, expected letters, digits and . _ -", config::quoted(child.key)));
    }
    const Node* list = table.strings(child.key, members);
    for (std::size_t i = 0; list != nullptr && i < members.size(); ++i) {
      if (members[i].front() == '@') {
        table.complain(list->children[i], fmt::format("groups.{}: found {}, expected a user: groups don't nest", child.key,
                                                      config::quoted(members[i])));
      }
    }
    config.groups[child.key] = members;
  }
}

void read_defaults(TableReader& root, Config& config, Problems& problems) {
  TableReader table(root.table("defaults"), "defaults", problems);
  OptionOverrides options;
  read_options(table, options);
  apply(options, config.defaults);
  table.finish();
}

bool check_template(TableReader& table, const Node& node, const std::string& text) {
  if (expand(text, {{"user", "u"}, {"target", "t"}})) return true;
  table.complain(node,
                 fmt::format("found {}, expected no other placeholder than {{user}} and {{target}}", config::quoted(node.text)));
  return false;
}

}  // namespace sallyport::config
