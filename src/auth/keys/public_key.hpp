// A public key as it stands on the wire, and the checking of what was signed with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

namespace sallyport::auth {

/// What there is to know of a type of keys.
struct KeyType {
  enum class Kind : std::uint8_t { ed25519, ecdsa, rsa };

  std::string_view name;              ///< "ssh-ed25519"
  std::string_view certificate_name;  ///< of certificates for such keys: "ssh-ed25519-cert-v01@openssh.com"
  Kind kind = Kind::ed25519;
  bool security_key = false;  ///< the private half is in an authenticator (PROTOCOL.u2f)
  unsigned fields = 0;        ///< how many strings follow the type's name
  std::string_view curve;     ///< ecdsa: as RFC 5656 names it
  unsigned curve_bits = 0;    ///< ecdsa
};

/// Null for a name that isn't a plain key's, or of a type that we don't take.
const KeyType* key_type(std::string_view name);
/// The same for the name of a certificate's type.
const KeyType* certificate_key_type(std::string_view name);

/// "SHA256:…", as ssh-keygen -l shows it.
std::string fingerprint_of(ByteView blob);

/// A plain key: never a certificate. One key has one blob, since other spellings of its numbers are refused: so blobs can
/// be compared, and a revoked key doesn't come back in another guise.
class PublicKey {
 public:
  /// Errc::protocol when it is not exactly one key of a known type (RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4; PROTOCOL.u2f).
  static Result<PublicKey> parse(ByteView blob);

  const KeyType& type() const { return *type_; }
  const Bytes& blob() const { return blob_; }
  std::string fingerprint() const { return fingerprint_of(blob_); }
  /// Of the modulus; 0 for other keys than RSA's.
  unsigned rsa_bits() const;
  bool operator==(const PublicKey& other) const { return blob_ == other.blob_; }

  /// Whether `signature` (with its algorithm's name, as on the wire) is one of `data` by this key. Errc::denied when it
  /// isn't, or is made with an algorithm that we don't take: ssh-rsa, which is SHA-1, or another key's. A security key's
  /// flags are not judged.
  Result<> verify(ByteView data, ByteView signature) const;

 private:
  PublicKey(const KeyType& type, Bytes blob) : type_(&type), blob_(std::move(blob)) {}

  const KeyType* type_;
  Bytes blob_;
};

/// Errc::denied when the key is an RSA key of fewer bits.
Result<> check_rsa_size(const PublicKey& key, unsigned min_bits);

}  // namespace sallyport::auth
