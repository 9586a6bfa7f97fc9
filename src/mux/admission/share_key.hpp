// Who may share a trunk. The only place that decides it: a mistake here is a privilege bug.
#pragma once

#include <compare>
#include <optional>
#include <string>

#include <sallyport/ids.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/target.hpp>
#include <sallyport/upstream.hpp>

#include "mux/admission/admission.hpp"

namespace sallyport::mux {

/// All of a login that says how strong it is, and how far it reaches. Where the key was found says neither, nor does the number
/// of a certificate, which is renewed.
struct Strength {
  std::string method;  ///< the chain: "publickey+keyboard-interactive"
  bool mfa = false;
  std::optional<Certified> certificate;
  Restrictions restrictions;
  auto operator<=>(const Strength&) const = default;
};

/// Channels with equal keys may ride on one trunk, and no others. It holds the values themselves: what is added to them counts.
struct ShareKey {
  std::string user;           ///< the authenticated user here
  Strength authenticated_by;  ///< exactly: nobody rides on a stronger authentication than their own, nor on a weaker one
  SharedTarget policy;        ///< the target, the login name upstream, the credentials and the options
  /// Set: the trunk is that connection's alone. sshd grants an agent once a connection, to all its sessions, and a
  /// channel to an agent or a display doesn't say which session it is for. And what logs in with something that this
  /// client alone has, its agent or what it typed, is for this client alone.
  std::optional<ConnectionId> only_for;

  auto operator<=>(const ShareKey&) const = default;
};

/// A client's way onto a trunk: which ones it may share, and what it brings along when one has to log in. What only this
/// client has (its agent, what it typed) is in `client` only if the trunk is this connection's alone by `key`.
struct TrunkAccess {
  ShareKey key;
  UpstreamClient client;

  /// Where it leads.
  const ResolvedTarget& target() const { return *key.policy; }
};

/// What the client lends to the target of its own, which others on the trunk could use.
struct Lends {
  bool agent = false;
  bool display = false;
};

TrunkAccess trunk_access(const Admission& client, const ResolvedTarget& target, Lends lends = {});

/// The way onto the trunk to the target in between that carries the connection of a trunk for `rider`: the same user's. What the
/// client lends to the target at the end is not lent to those in between, so the trunk there is the client's alone only if its
/// own login needs something of the client's.
TrunkAccess hop_access(const TrunkAccess& rider);

}  // namespace sallyport::mux
