#include "ssh/downstream/server_context.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "ssh/keys/algorithms.hpp"

namespace sallyport::ssh {
namespace {

Result<> set_option(const BindHandle& bind, ssh_bind_options_e option, const void* value, const char* what) {
  if (ssh_bind_options_set(bind.get(), option, value) == SSH_OK) return {};
  return fail(Errc::config, std::string{"can't set "} + what);
}

}  // namespace

Result<std::shared_ptr<const ServerContext>> ServerContext::make(const HostKeys& keys, ServerOptions options) {
  ensure_libssh();
  if (auto checked = check_algorithms(options.algorithms); !checked) return fail(checked.error());
  BindHandle bind{ssh_bind_new()};
  if (!bind) return fail(Errc::limit, "no memory for a server");
  const Algorithms& wanted = options.algorithms;
  const std::string kex = name_list(wanted.kex.value_or(default_kex()));
  const std::string ciphers = name_list(wanted.ciphers.value_or(default_ciphers()));
  const std::string macs = name_list(wanted.macs.value_or(default_macs()));
  const std::string host_keys = name_list(wanted.host_keys.value_or(default_host_keys()));
  const std::string user_keys = name_list(user_signature_algorithms());
  const bool no_files = false;
  const struct {
    ssh_bind_options_e option;
    const void* value;
    const char* what;
  } settings[] = {
      {SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_files, "no configuration files"},
      {SSH_BIND_OPTIONS_BANNER, options.identification.c_str(), "the identification"},
      {SSH_BIND_OPTIONS_KEY_EXCHANGE, kex.c_str(), "key exchange methods"},
      {SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers.c_str(), "ciphers"},
      {SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers.c_str(), "ciphers"},
      {SSH_BIND_OPTIONS_HMAC_C_S, macs.c_str(), "MACs"},
      {SSH_BIND_OPTIONS_HMAC_S_C, macs.c_str(), "MACs"},
      {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, host_keys.c_str(), "host key types"},
      {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, user_keys.c_str(), "user key types"},
  };
  for (const auto& setting : settings) {
    if (auto set = set_option(bind, setting.option, setting.value, setting.what); !set) return fail(set.error());
  }
  std::vector<KeyHandle> ecdsa_keys;
  const Names allowed = wanted.host_keys.value_or(default_host_keys());
  bool fits = false;
  std::set<std::string_view> types;
  for (const auto& entry : keys.keys()) {
    if (!types.insert(entry.type).second) continue;  // as with sshd, the first of a type is the one that is shown
    fits = fits || std::any_of(allowed.begin(), allowed.end(), [&entry](const auto& name) { return signs_by(entry.type, name); });
    if (entry.type.starts_with("ecdsa-")) {
      ecdsa_keys.emplace_back(ssh_key_dup(entry.key.get()));
      if (!ecdsa_keys.back()) return fail(Errc::limit, "no memory for a host key");
    }
    ssh_key copy = ssh_key_dup(entry.key.get());  // the bind owns what it is given
    if (copy == nullptr) return fail(Errc::limit, "no memory for a host key");
    if (ssh_bind_options_set(bind.get(), SSH_BIND_OPTIONS_IMPORT_KEY, copy) != SSH_OK) {
      ssh_key_free(copy);
      return fail(Errc::config, "host key " + entry.file + " can't be used");
    }
  }
  if (!fits) return fail(Errc::config, "no host key is of a type in host_keys of [algorithms]");
  return std::shared_ptr<const ServerContext>{new ServerContext{std::move(options), std::move(bind), std::move(ecdsa_keys)}};
}

}  // namespace sallyport::ssh
