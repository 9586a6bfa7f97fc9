// Everything that is known of a client once it has been authenticated and routed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/facts/clients.hpp>
#include <sallyport/host_key_holder.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/secret.hpp>

#include <sallyport/login_grant.hpp>
#include "route/router.hpp"

namespace sallyport::mux {

/// One end of a TCP connection, as text.
struct TcpAddress {
  std::string address;
  std::uint16_t port = 0;

  /// For facts; a view.
  facts::Address view() const { return {address, port}; }
};

struct Admission {
  ConnectionId id{};
  std::optional<ConnectionId> outer;  ///< it came through a channel of that connection
  std::string user;
  std::string asked_target;  ///< empty: the client named none
  TcpAddress source;         ///< the client's
  TcpAddress local;          ///< ours
  /// How the user was authenticated, the whole chain: "publickey+keyboard-interactive".
  std::string method;
  bool mfa = false;         ///< with a second factor
  std::string fingerprint;  ///< of the key, "SHA256:…"
  Bytes key;                ///< the key or the certificate itself, as it stands on the wire; empty: none
  LoginGrant grant;
  /// Where its channels go. Absent: nowhere, and `refusal` is what the client is told.
  std::optional<route::Decision> decision;
  std::string refusal;
  /// What it takes up and gives back when it ends: places among the connections of its source and its route, PAM's session.
  std::vector<std::shared_ptr<void>> held;
  /// The bastion's host keys, of which it is told; null: it isn't. And the algorithm by which it was shown one.
  std::shared_ptr<HostKeyHolder> host_keys;
  std::string host_key_algorithm;
  /// What the client typed as its password; null unless the configuration has a use for it.
  std::shared_ptr<const SecretString> password;

  /// For facts about it; a view.
  facts::Client who() const;
};

}  // namespace sallyport::mux
