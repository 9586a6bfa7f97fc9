#include "mux/share_key.hpp"

namespace sallyport::mux {

ShareKey share_key(const Admission& client, const ResolvedTarget& target, Lends lends) {
  ShareKey key{client.user, client.method, policy_fingerprint(target), std::nullopt};
  if (lends != Lends::nothing) key.only_for = client.id;
  return key;
}

ShareKey hop_share_key(const ShareKey& rider, const ResolvedTarget& via) {
  ShareKey key;
  key.user = rider.user;
  key.authenticated_by = rider.authenticated_by;
  key.policy = policy_fingerprint(via);
  return key;
}

}  // namespace sallyport::mux
