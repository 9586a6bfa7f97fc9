// What happens to clients before they are logged in.
#pragma once

#include <cstdint>
#include <string_view>

#include <sallyport/clock.hpp>
#include <sallyport/connection_info.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>
#include <sallyport/stream.hpp>

namespace sallyport::facts {

/// One end of a TCP connection.
struct Address {
  std::string_view address;
  std::uint16_t port = 0;
};

/// A client that isn't logged in.
struct Stranger {
  ConnectionId id{};
  Address source;
  std::string_view block;  ///< of addresses, that the source counts for
};

/// What a client has asked for in order to be let in.
struct Attempt {
  std::string_view login;   ///< the login name as it came
  std::string_view method;  ///< likewise
  std::string_view key;     ///< its fingerprint; empty: none
  bool is_offer = false;    ///< it only asks whether the key would do: clients ask that of all the keys that they have
  const CertificateIdentity* certificate = nullptr;  ///< what the key says, if it is a certificate; null else
};

/// It was refused before a word was said. `why` is our own text.
struct ConnectionDropped {
  Stranger client;
  std::string_view why;
};
/// A load balancer, which is the `client` here, has sent no PROXY header, or a bad one.
struct ProxyHeaderFailed {
  Stranger client;
  std::string_view why;
};
/// A load balancer has said who its client is.
struct ProxyHeaderRead {
  Stranger client;
  Address proxy;
};
/// A load balancer has looked whether we are there.
struct HealthChecked {
  ConnectionId id{};
  Address proxy;
};
struct ConnectionAccepted {
  Stranger client;
  const InnerClient* inner = nullptr;  ///< it has come through a channel of another client's; null: by a socket
};
/// A file of keys has a line that can't be read, or an owner or a mode that can't be trusted.
struct KeyFileFaulty {
  Stranger client;
  const KeyWarning& warning;
};
/// Nobody could tell whether a key is the user's.
struct KeysUnavailable {
  Stranger client;
  std::string_view user;
  std::string_view why;
};
/// Nobody could tell whether the client may come in: somebody has to look. `what` is a method, or "session".
struct IdentityUnavailable {
  Stranger client;
  std::string_view what;
  std::string_view why;
};
/// One method of several.
struct MethodPassed {
  Stranger client;
  std::string_view user;
  std::string_view method;
};
struct AttemptRefused {
  Stranger client;
  Attempt attempt;
  std::string_view why;
};
/// All methods have been passed, and the client may not come in all the same.
struct LoginTurnedAway {
  Stranger client;
  Attempt attempt;
  std::string_view methods;  ///< the whole chain
  std::string_view why;
};
struct Authenticated {
  Stranger client;
  std::string_view login;    ///< the login name as it came
  std::string_view user;     ///< that it stands for
  std::string_view methods;  ///< the whole chain: "publickey+keyboard-interactive"
  std::string_view key;      ///< its fingerprint; empty: none
  bool mfa = false;
  const CertificateIdentity* certificate = nullptr;
};
/// The transport of a client that has logged in.
struct ConnectionNegotiated {
  ConnectionId id{};
  const ConnectionInfo& info;
};
/// The end without a login. `last` is what was asked for last.
struct LoginFailed {
  Stranger client;
  Attempt last;
  bool only_offers = false;  ///< keys have been offered, and none was the user's
  const Error& why;
};
/// Connections from `source`, a block of addresses, aren't accepted for `time`. `reason` is an offence's name.
struct PenaltyBegun {
  std::string_view source;
  Duration time{};
  std::string_view reason;
};

}  // namespace sallyport::facts
