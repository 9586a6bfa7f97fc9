#include "mux/share_key.hpp"

namespace sallyport::mux {

ShareKey share_key(const Admission& client, const ResolvedTarget& target) {
  return {client.user, client.method, policy_fingerprint(target)};
}

}  // namespace sallyport::mux
