#include "mux/admission/share_key.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace sallyport::mux {
namespace {

/// Writes values one behind the other such that no two different sequences look alike.
class Exact {
 public:
  Exact& text(std::string_view value) {
    out_ += std::to_string(value.size()) + ':';
    out_ += value;
    return *this;
  }
  Exact& flag(bool value) {
    out_ += value ? 'y' : 'n';
    return *this;
  }
  Exact& texts(const std::optional<std::vector<std::string>>& values) {
    flag(values.has_value());
    if (!values) return *this;
    out_ += std::to_string(values->size()) + '#';
    for (const std::string& value : *values) text(value);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// All of a login that says how strong it is, and how far it reaches. Where the key was found says neither, nor does the number
/// of a certificate, which is renewed.
std::string strength_of(const Admission& client) {
  const LoginGrant& grant = client.grant;
  Exact out;
  out.text(client.method).flag(client.mfa);
  out.flag(grant.certificate.has_value());
  if (grant.certificate) out.text(grant.certificate->authority).text(grant.certificate->key_id);
  out.flag(grant.command.has_value()).text(grant.command.value_or(""));
  for (const bool flag : {grant.pty, grant.agent_forwarding, grant.port_forwarding, grant.x11_forwarding, grant.user_rc,
                          grant.touch_required, grant.verify_required})
    out.flag(flag);
  out.texts(grant.permit_open).texts(grant.permit_listen);
  std::vector<std::string> environment;
  for (const auto& [name, value] : grant.environment) {
    environment.push_back(name);
    environment.push_back(value);
  }
  return out.texts(environment).take();
}

bool has(const ResolvedTarget& target, Credential::Kind kind) {
  return std::any_of(target.credentials.begin(), target.credentials.end(),
                     [kind](const Credential& credential) { return credential.kind == kind; });
}

/// The target's own login, or one on the way there, may use it.
bool needed(const ResolvedTarget& target, Credential::Kind kind) {
  return has(target, kind) || (target.via && needed(*target.via, kind));
}

}  // namespace

TrunkAccess trunk_access(const Admission& client, const ResolvedTarget& target, Lends lends) {
  TrunkAccess access;
  access.key = {client.user, strength_of(client), policy_fingerprint(target), std::nullopt};
  access.client.user = client.user;
  access.client.connection = client.id;
  access.client.lends_agent = lends.agent && needed(target, Credential::Kind::forwarded_agent);
  if (needed(target, Credential::Kind::password)) access.client.password = client.password;
  const bool brings_its_own = access.client.lends_agent || access.client.password != nullptr;
  if (lends.agent || lends.display || brings_its_own) access.key.only_for = client.id;
  return access;
}

TrunkAccess hop_access(const TrunkAccess& rider, const ResolvedTarget& via) {
  TrunkAccess access;
  access.key = {rider.key.user, rider.key.authenticated_by, policy_fingerprint(via), std::nullopt};
  access.client.user = rider.client.user;
  access.client.connection = rider.client.connection;
  access.client.lends_agent = rider.client.lends_agent && needed(via, Credential::Kind::forwarded_agent);
  if (needed(via, Credential::Kind::password)) access.client.password = rider.client.password;
  // A rider that has something of one client's is that client's alone: see above.
  if (access.client.lends_agent || access.client.password != nullptr) access.key.only_for = rider.key.only_for;
  return access;
}

}  // namespace sallyport::mux
