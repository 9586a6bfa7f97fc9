#include "mux/share_key.hpp"

namespace sallyport::mux {

TrunkAccess trunk_access(const Admission& client, const ResolvedTarget& target, Lends lends) {
  TrunkAccess access;
  access.key = {client.user, client.method, policy_fingerprint(target), std::nullopt};
  access.client.user = client.user;
  access.client.connection = client.id;
  if (lends != Lends::nothing) access.key.only_for = client.id;
  return access;
}

TrunkAccess hop_access(const TrunkAccess& rider, const ResolvedTarget& via) {
  TrunkAccess access;
  access.key.user = rider.key.user;
  access.key.authenticated_by = rider.key.authenticated_by;
  access.key.policy = policy_fingerprint(via);
  access.client.user = rider.client.user;
  access.client.connection = rider.client.connection;
  return access;
}

}  // namespace sallyport::mux
