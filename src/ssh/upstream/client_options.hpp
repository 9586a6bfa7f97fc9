// What a login at a target is made with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/upstream.hpp>

#include "ssh/keys/certificate_signer.hpp"

namespace sallyport::ssh {

/// One target and how to log in there. Plain values.
struct ClientOptions {
  std::string name;  ///< what the target is called in messages to the client: "web1"
  std::string host;  ///< a name or a literal address, without brackets
  std::uint16_t port = 22;
  std::string user;
  /// In the order in which they are tried. A certificate FILE-cert.pub beside a key file is used before the key.
  std::vector<Credential> credentials;
  std::string passphrase_file;     ///< see read_passphrase(); empty: none
  CertificateRequest certificate;  ///< for the credentials that come with a new certificate
  /// Makes who gets the certificate of the credential "signer". May be empty.
  std::function<std::unique_ptr<CertificateSigner>()> make_signer;
  UpstreamClient client;  ///< on whose behalf
  /// OpenSSH known_hosts files. All are read; a host that is in none of them is refused, unless the policy is another.
  std::vector<std::string> known_hosts;
  HostKeyPolicy host_key_policy = HostKeyPolicy::strict;  ///< accept_new writes to the first of them
  /// Set: the host key is only looked at. This is called with it, and the attempt then fails with Errc::closed, without a login.
  std::function<void(ByteView key_blob)> on_host_key;
  Algorithms algorithms;                                ///< what is absent gets the built-in lists
  bool legacy_algorithms = false;                       ///< what is in legacy_algorithms() is offered behind them
  Duration connect_timeout = std::chrono::seconds(10);  ///< look-up, TCP and handshake together; the login has kLoginTime
  std::string identification = sallyport::ServerSettings::kDefaultIdentification;  ///< what follows "SSH-2.0-"
  std::uint64_t rekey_data = 0;  ///< bytes after which keys are exchanged anew; 0: libssh's choice
  /// Called for what is amiss in the files but doesn't stop the login: a key that can't be used, a known_hosts line that
  /// was ignored. For the log. May be empty.
  std::function<void(std::string_view)> on_warning;
  /// Called with the credentials that did it, before on_connected: "key:/etc/sallyport/keys/alice". For the log. May be empty.
  std::function<void(std::string_view)> on_accepted;
};

}  // namespace sallyport::ssh
