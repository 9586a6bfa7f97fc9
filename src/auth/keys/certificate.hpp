// User certificates (OpenSSH's PROTOCOL.certkeys): what stands in one, and whether its authority signed it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>

#include "auth/keys/key_query.hpp"
#include "auth/keys/public_key.hpp"

namespace sallyport::auth {

/// Larger than any that ssh-keygen makes; the client sends it before we know who it is.
inline constexpr std::size_t kMaxCertificate = 64 * 1024;
/// As OpenSSH has it.
inline constexpr std::size_t kMaxPrincipals = 256;

struct Certificate {
  enum class Type : std::uint32_t { user = 1, host = 2 };

  /// A critical option or an extension, still encoded.
  struct Option {
    std::string name;
    Bytes data;
  };

  PublicKey key;  ///< whose certificate it is
  PublicKey authority;
  std::uint64_t serial = 0;
  std::uint32_t type = 0;
  std::string key_id = {};
  std::vector<std::string> principals = {};
  std::uint64_t valid_after = 0;   ///< seconds since 1970
  std::uint64_t valid_before = 0;  ///< the first second in which it isn't valid any more; all ones: never
  std::vector<Option> critical_options = {};
  std::vector<Option> extensions = {};
  Bytes signed_part = {};  ///< all before the signature
  Bytes signature = {};

  CertificateIdentity identity() const { return {{key_id, authority.fingerprint()}, serial}; }
};

/// Whether a blob claims to be a certificate of a type that we know.
bool is_certificate(ByteView blob);

/// Takes a certificate apart. Errc::protocol when it is malformed, or its authority is no plain key. Nothing is verified.
Result<Certificate> parse_certificate(ByteView blob);

/// Whether the certificate, whose authority is trusted, lets somebody in from there at that time: a user's, signed by that
/// authority, valid now, for some principal, and with no critical option that we don't know or that keeps the client out.
/// What it permits; the identity is in it. Errc::denied otherwise. Who its principals stand for is the caller's to judge.
Result<LoginGrant> check_certificate(const Certificate& certificate, const KeyQuery& query, unsigned min_rsa_bits);

}  // namespace sallyport::auth
