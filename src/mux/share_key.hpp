// Who may share a trunk. The only place that decides it: a mistake here is a privilege bug.
#pragma once

#include <compare>
#include <string>

#include "mux/admission.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::mux {

/// Channels with equal keys may ride on one trunk, and no others.
struct ShareKey {
  std::string user;              ///< the authenticated user here
  std::string authenticated_by;  ///< the method
  /// The target, the login name upstream, the credentials and the options: policy_fingerprint(), which is exact.
  std::string policy;

  auto operator<=>(const ShareKey&) const = default;
};

ShareKey share_key(const Admission& client, const ResolvedTarget& target);

}  // namespace sallyport::mux
