#include "ssh/upstream/client_session.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ssh/keys/algorithms.hpp"
#include "ssh/seam/seam.h"

namespace sallyport::ssh {
namespace {

// As OpenSSH does: if keys are known for the host, their types are asked for first. A server that would rather show
// another of its keys would look like an impostor.
Names host_key_algorithms(const Names& wanted, const std::vector<std::string>& known_types) {
  Names ordered = wanted;
  std::stable_partition(ordered.begin(), ordered.end(), [&known_types](const auto& algorithm) {
    return std::any_of(known_types.begin(), known_types.end(),
                       [&algorithm](const auto& type) { return signs_by(type, algorithm); });
  });
  return ordered;
}

}  // namespace

Result<SessionHandle> client_session(const ClientOptions& options, const KnownHosts& known_hosts) {
  if (auto checked = check_algorithms(options.algorithms); !checked) return fail(checked.error());
  auto session = new_session();
  if (!session) return session;
  const Algorithms& wanted = options.algorithms;
  const LegacyAlgorithms old = options.legacy_algorithms ? legacy_algorithms() : LegacyAlgorithms{};
  const std::string kex = name_list(joined(wanted.kex.value_or(default_upstream_kex()), old.kex));
  const std::string ciphers = name_list(joined(wanted.ciphers.value_or(default_ciphers()), old.ciphers));
  const std::string macs = name_list(joined(wanted.macs.value_or(default_macs()), old.macs));
  const std::string host_keys = name_list(
      host_key_algorithms(joined(wanted.host_keys.value_or(default_host_keys()), old.host_keys), known_hosts.key_types()));
  const std::string user_keys = "+" + name_list(old.host_keys);
  const struct {
    ssh_options_e option;
    const void* value;
  } settings[] = {{SSH_OPTIONS_HOST, "target"},  // our socket layer connects nowhere, but libssh wants a name
                  {SSH_OPTIONS_KEY_EXCHANGE, kex.c_str()},
                  {SSH_OPTIONS_CIPHERS_C_S, ciphers.c_str()},
                  {SSH_OPTIONS_CIPHERS_S_C, ciphers.c_str()},
                  {SSH_OPTIONS_HMAC_C_S, macs.c_str()},
                  {SSH_OPTIONS_HMAC_S_C, macs.c_str()},
                  {SSH_OPTIONS_HOSTKEYS, host_keys.c_str()},
                  {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, options.legacy_algorithms ? user_keys.c_str() : nullptr},
                  {SSH_OPTIONS_RSA_MIN_SIZE, options.legacy_algorithms ? &old.min_rsa_size : nullptr},
                  {SSH_OPTIONS_REKEY_DATA, options.rekey_data > 0 ? &options.rekey_data : nullptr}};
  if (spssh_set_user(session->get(), options.user.c_str()) != 0) return fail(Errc::limit, "no memory for the login name");
  for (const auto& setting : settings) {
    if (setting.value == nullptr) continue;
    if (ssh_options_set(session->get(), setting.option, setting.value) != SSH_OK) {
      return fail(Errc::config, session_error(session->get(), "session options"));
    }
  }
  return session;
}

}  // namespace sallyport::ssh
