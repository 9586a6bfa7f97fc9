// Keys, certificates and signatures made with libcrypto, those of authenticators too.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/bytes.hpp>

namespace sallyport::auth {

/// A private key with the blob of its public half.
class MadeKey {
 public:
  /// `type` is the key's name; an RSA key has `bits`.
  explicit MadeKey(std::string_view type, unsigned bits = 2048);

  const std::string& type() const { return type_; }
  /// RFC 4253, 6.6.
  const Bytes& blob() const { return blob_; }
  /// A line of a file of keys, with `options` in front.
  std::string line(const std::string& options = {}) const;
  /// As on the wire. An authenticator's has `flags`; an RSA key's is made with `algorithm` unless that is empty.
  Bytes sign(ByteView data, std::string_view algorithm = {}, std::uint8_t flags = 1) const;

 private:
  std::string type_;
  Bytes blob_;
  std::shared_ptr<EVP_PKEY> key_;
};

/// What goes into a certificate; the defaults make a good one of alice's.
struct MadeCertificate {
  std::uint32_t type = 1;
  std::uint64_t serial = 7;
  std::string key_id = "alice@laptop";
  std::vector<std::string> principals{"alice"};
  std::uint64_t valid_after = 0;
  std::uint64_t valid_before = ~std::uint64_t{0};
  /// Names with their data. `text()` makes the data of an option that holds a text.
  std::vector<std::pair<std::string, Bytes>> critical;
  std::vector<std::pair<std::string, Bytes>> extensions;
  std::string signature_algorithm;  ///< of an RSA authority

  Bytes make(const MadeKey& key, const MadeKey& authority) const;
  static Bytes text(std::string_view value);
};

std::string encode_base64(ByteView bytes);

}  // namespace sallyport::auth
