#include "mux/admission/share_key.hpp"

#include <algorithm>

namespace sallyport::mux {
namespace {

Strength strength_of(const Admission& client) {
  const LoginGrant& grant = client.grant;
  return {client.method, client.mfa, grant.certificate ? std::optional<Certified>(*grant.certificate) : std::nullopt, grant};
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
  access.key = {client.user, strength_of(client), SharedTarget(target), std::nullopt};
  access.client.user = client.user;
  access.client.connection = client.id;
  access.client.lends_agent = lends.agent && needed(target, Credential::Kind::forwarded_agent);
  if (needed(target, Credential::Kind::password)) access.client.password = client.password;
  const bool brings_its_own = access.client.lends_agent || access.client.password != nullptr;
  if (lends.agent || lends.display || brings_its_own) access.key.only_for = client.id;
  return access;
}

TrunkAccess hop_access(const TrunkAccess& rider) {
  const SharedTarget& via = rider.target().via;
  TrunkAccess access;
  access.key = {rider.key.user, rider.key.authenticated_by, via, std::nullopt};
  access.client.user = rider.client.user;
  access.client.connection = rider.client.connection;
  access.client.lends_agent = rider.client.lends_agent && needed(*via, Credential::Kind::forwarded_agent);
  if (needed(*via, Credential::Kind::password)) access.client.password = rider.client.password;
  // A rider that has something of one client's is that client's alone: see above.
  if (access.client.lends_agent || access.client.password != nullptr) access.key.only_for = rider.key.only_for;
  return access;
}

}  // namespace sallyport::mux
