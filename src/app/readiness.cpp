#include "app/readiness.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "auth/factors/factor_files.hpp"
#include "child/account/account.hpp"
#include "child/account/local_login.hpp"
#include "identity/key_look_up.hpp"
#include "match/units.hpp"
#include "net/sockets/folder.hpp"
#include "net/sockets/listener.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh/keys/known_hosts.hpp"

namespace sallyport::app {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

bool is_template(const std::string& text) { return text.find('{') != std::string::npos; }

/// The part of a path in front of its placeholders that can be looked at: itself, or the folder that is surely there.
std::string fixed_folder_of(const std::string& path) { return net::folder_of(path.substr(0, path.find('{'))); }

/// Why a file can't be written; nothing when it can, or can be made.
std::optional<std::string> why_not_written(const std::string& path) {
  if (::access(path.c_str(), W_OK) == 0) {
    if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) return path + " is a folder";
    return std::nullopt;
  }
  if (errno != ENOENT) return path + ": " + reason(errno);
  const std::string folder = net::folder_of(path);
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  return fmt::format("{} can't be made: {}: {}", path, folder, reason(errno));
}

/// The socket's folder is made when only it is missing.
std::optional<std::string> why_no_socket(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0)
    return S_ISSOCK(status.st_mode) ? std::nullopt : std::optional(path + " is there and is not a socket");
  const std::string folder = net::folder_of(path);
  return ::access(folder.c_str(), F_OK) == 0 ? why_not_written(path) : why_not_written(folder);
}

class Warnings {
 public:
  explicit Warnings(const Config& config) : config_(config) {}

  std::vector<std::string> take() && {
    keys();
    for (std::string& warning : auth::check_factor_files(config_.auth)) add(std::move(warning));
    for (const auto& [name, target] : config_.targets) target.kind == TargetKind::ssh ? upstream(target) : account(target);
    return std::move(list_);
  }

 private:
  void add(std::string text) { list_.push_back(std::move(text)); }
  void add(const Target& target, std::string_view text) { add(fmt::format("target.{}: {}", target.name, text)); }

  void keys() {
    for (const KeyWarning& warning : identity::look_at_key_files(config_))
      add(fmt::format("key file {}:{}: {}", warning.file, warning.line, warning.reason));
    for (const std::string& path : config_.auth.authorized_keys) {
      const std::string folder = fixed_folder_of(path);
      if (!path.starts_with('{') && ::access(folder.c_str(), F_OK) != 0)
        add(fmt::format("auth.authorized_keys: {}: {}", folder, reason(errno)));
    }
  }

  void upstream(const Target& target) {
    if (const std::string& why = once(passphrases_, target.passphrase_file, trouble_with_passphrase); !why.empty())
      add(target, "passphrase_file " + why);
    for (const Credential& credential : target.credentials) {
      const auto look = [](const std::pair<Credential, std::string>& what) { return trouble_with(what.first, what.second); };
      if (const std::string& why = once(credentials_, std::pair(credential, target.passphrase_file), look); !why.empty())
        add(target, "credentials: " + why);
    }
    const bool made_if_need_be =
        target.options.host_key_policy.value_or(config_.defaults.host_key_policy) == HostKeyPolicy::accept_new;
    if (is_template(target.known_hosts) || made_if_need_be) return;
    if (const std::string& why = once(known_hosts_, target.known_hosts, trouble_with_known_hosts); !why.empty())
      add(target, "known_hosts " + why);
  }

  /// What looking at it has found, or finds now: thousands of targets may have the same file. Empty: nothing.
  template <typename What, typename Look>
  static const std::string& once(std::map<What, std::string>& found, const What& what, Look look) {
    const auto known = found.find(what);
    return known != found.end() ? known->second : found.emplace(what, look(what)).first->second;
  }

  /// What systemd keeps for the daemon isn't here.
  static bool is_file(const std::string& passphrase_file) {
    return !passphrase_file.empty() && !passphrase_file.starts_with("credential:");
  }

  static std::string trouble_with_passphrase(const std::string& file) {
    if (!is_file(file)) return {};
    const auto read = ssh::read_passphrase(file);
    return read ? std::string() : read.error().detail;
  }

  static std::string trouble_with_known_hosts(const std::string& file) {
    const auto text = ssh::read_file(file, ssh::KnownHosts::kMaxFileSize);
    return text ? std::string() : text.error().detail;
  }

  static std::string trouble_with(const Credential& credential, const std::string& passphrase_file) {
    using Kind = Credential::Kind;
    const bool is_key = credential.kind == Kind::key_file || credential.kind == Kind::certificate_authority;
    if (!is_key && credential.kind != Kind::password_file) return {};
    if (is_template(credential.value)) {
      const std::string folder = fixed_folder_of(credential.value);
      return ::access(folder.c_str(), F_OK) == 0 ? std::string() : folder + ": " + reason(errno);
    }
    if (credential.kind == Kind::password_file) {
      const auto secret = ssh::read_secret(credential.value);
      return secret ? std::string() : secret.error().detail;
    }
    if (!passphrase_file.empty() && !is_file(passphrase_file))
      return ::access(credential.value.c_str(), R_OK) == 0 ? std::string() : credential.value + ": " + reason(errno);
    SecretString passphrase;
    if (!passphrase_file.empty()) {
      if (auto read = ssh::read_passphrase(passphrase_file)) passphrase = std::move(*read);
    }
    const auto key = ssh::load_private_key(credential.value, passphrase);
    return key ? std::string() : key.error().detail;
  }

  void account(const Target& target) {
    const LocalSettings& local = target.local;
    // A way through the bastion runs nothing as its account, unless it is spelt out.
    const bool only_a_way = target.options.jump.value_or(config_.defaults.jump) != Jump::target && local.user.empty();
    if (only_a_way || is_template(local.user)) return;
    auto account = child::look_up_account(local.user);
    if (!account) return add(target, "nobody gets there: " + account.error().detail);
    LocalLogin login;
    login.permit_accounts = local.permit_accounts;
    login.groups = local.groups;
    login.limits = local.limits;
    if (!is_template(local.chroot)) login.chroot = local.chroot;
    if (const auto confined = child::confine(login, *account); !confined)
      add(target, "nobody gets there: " + confined.error().detail);
  }

  const Config& config_;
  std::vector<std::string> list_;
  std::map<std::string, std::string> passphrases_;
  std::map<std::pair<Credential, std::string>, std::string> credentials_;
  std::map<std::string, std::string> known_hosts_;
};

}  // namespace

std::vector<std::string> obstacles_at_places(const Config& config) {
  std::vector<std::string> found;
  for (const ListenAddress& listen : config.listens) {
    // The port may be taken by the daemon that is to be reloaded; whether the machine has the address is another matter.
    if (const auto has = net::check_address(config::format_host_port(listen.host, 0)); !has)
      found.push_back("listen: " + config::format_host_port(listen.host, listen.port) + ": " + has.error().detail);
  }
  const auto add = [&found](const char* key, const std::optional<std::string>& why) {
    if (why) found.push_back(fmt::format("{}: {}", key, *why));
  };
  if (!config.server.control_socket.empty()) add("server.control_socket", why_no_socket(config.server.control_socket));
  if (config.log.file != "-") add("log.file", why_not_written(config.log.file));
  if (!config.audit.file.empty()) add("audit.file", why_not_written(config.audit.file));
  return found;
}

std::vector<std::string> warnings_about(const Config& config) { return Warnings(config).take(); }

}  // namespace sallyport::app
