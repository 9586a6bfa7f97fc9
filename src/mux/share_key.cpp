#include "mux/share_key.hpp"

namespace sallyport::mux {

ShareKey share_key(const Admission& client, const ResolvedTarget& target, Lends lends) {
  ShareKey key{client.user, client.method, policy_fingerprint(target), std::nullopt};
  if (lends != Lends::nothing) key.only_for = client.id;
  return key;
}

}  // namespace sallyport::mux
