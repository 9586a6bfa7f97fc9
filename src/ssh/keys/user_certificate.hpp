// User certificates that the bastion issues itself (OpenSSH's PROTOCOL.certkeys).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sallyport/clock.hpp>
#include <sallyport/result.hpp>

#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {

/// For whom a certificate is, and for how long.
struct CertificateRequest {
  std::string identity;                 ///< the key id, which the target's log shows: "alice/c12"
  std::vector<std::string> principals;  ///< never empty: a certificate without any would be for everybody
  Duration validity{};
};

/// A target's clock may be behind ours by so much.
inline constexpr std::chrono::seconds kClockSkew{60};

/// A new ed25519 key, which exists in memory alone.
Result<KeyHandle> make_ephemeral_key();

/// Puts a certificate for `key`, signed by `authority`, into it; valid from kClockSkew before `now`, with the extensions that
/// ssh-keygen gives. Errc::config without a principal, or when the authority's key can't sign.
Result<> issue_certificate(const KeyHandle& key, const KeyHandle& authority, const CertificateRequest& request,
                           std::chrono::system_clock::time_point now);

/// Puts the certificate in `line`, as ssh-keygen writes it, into `key`. Errc::config when it is none, or another key's.
Result<> adopt_certificate(const KeyHandle& key, const std::string& line);

/// "ssh-ed25519 AAAA…": what a signer is given.
std::string public_key_line(const KeyHandle& key);

}  // namespace sallyport::ssh
