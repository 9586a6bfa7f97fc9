#include "made_keys.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <stdexcept>

#include "auth/keys/public_key.hpp"
#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

constexpr std::string_view kApplication = "ssh:";

void must(bool good) {
  if (!good) throw std::runtime_error("libcrypto");
}

void add_mpint(wire::Writer& writer, const BIGNUM* number) {
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, bytes.data());
  if (!bytes.empty() && (bytes[0] & 0x80U) != 0) bytes.insert(bytes.begin(), 0);
  writer.string(bytes);
}

void add_number(wire::Writer& writer, EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  add_mpint(writer, number);
  BN_free(number);
}

void add_uint64(wire::Writer& writer, std::uint64_t value) {
  writer.uint32(static_cast<std::uint32_t>(value >> 32U)).uint32(static_cast<std::uint32_t>(value));
}

EVP_PKEY* generate(const KeyType& type, unsigned bits) {
  switch (type.kind) {
    case KeyType::Kind::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::Kind::rsa: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits));
    case KeyType::Kind::ecdsa: break;
  }
  return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.curve_bits == 256 ? "P-256" : type.curve_bits == 384 ? "P-384" : "P-521");
}

Bytes sha256(ByteView data) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(data.data(), data.size(), digest.data());
  return digest;
}

Bytes ecdsa_blob(const Bytes& der) {
  const std::uint8_t* at = der.data();
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  must(signature != nullptr);
  wire::Writer writer;
  add_mpint(writer, ECDSA_SIG_get0_r(signature));
  add_mpint(writer, ECDSA_SIG_get0_s(signature));
  ECDSA_SIG_free(signature);
  return writer.take();
}

Bytes options_blob(const std::vector<std::pair<std::string, Bytes>>& options) {
  wire::Writer writer;
  for (const auto& [name, data] : options) writer.string(name).string(data);
  return writer.take();
}

}  // namespace

MadeKey::MadeKey(std::string_view name, unsigned bits) : type_(name) {
  const KeyType& type = *key_type(name);
  key_.reset(generate(type, bits), EVP_PKEY_free);
  must(key_ != nullptr);
  wire::Writer writer;
  writer.string(type_);
  if (type.kind == KeyType::Kind::rsa) {
    add_number(writer, key_.get(), OSSL_PKEY_PARAM_RSA_E);
    add_number(writer, key_.get(), OSSL_PKEY_PARAM_RSA_N);
  } else if (type.kind == KeyType::Kind::ed25519) {
    Bytes raw(32);
    std::size_t size = raw.size();
    must(EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size) == 1);
    writer.string(raw);
  } else {
    Bytes point(200);
    std::size_t size = 0;
    must(EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point.data(), point.size(), &size) == 1);
    point.resize(size);
    writer.string(type.curve).string(point);
  }
  if (type.security_key) writer.string(kApplication);
  blob_ = writer.take();
}

std::string MadeKey::line(const std::string& options) const {
  return (options.empty() ? "" : options + " ") + type_ + " " + encode_base64(blob_) + " made";
}

Bytes MadeKey::sign(ByteView data, std::string_view algorithm, std::uint8_t flags) const {
  const KeyType& type = *key_type(type_);
  const std::string name(!algorithm.empty() ? algorithm : type.kind == KeyType::Kind::rsa ? "rsa-sha2-512" : type.name);
  Bytes message(data.begin(), data.end());
  if (type.security_key) {
    wire::Writer writer;
    writer.raw(sha256(bytes_of(kApplication))).byte(flags).uint32(1).raw(sha256(data));
    message = writer.take();
  }
  const EVP_MD* digest = nullptr;
  if (type.kind == KeyType::Kind::rsa)
    digest = name == "rsa-sha2-512" ? EVP_sha512() : name == "rsa-sha2-256" ? EVP_sha256() : EVP_sha1();
  if (type.kind == KeyType::Kind::ecdsa)
    digest = type.curve_bits == 256 ? EVP_sha256() : type.curve_bits == 384 ? EVP_sha384() : EVP_sha512();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  must(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1);
  std::size_t size = 0;
  must(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes proof(size);
  must(EVP_DigestSign(context.get(), proof.data(), &size, message.data(), message.size()) == 1);
  proof.resize(size);
  if (type.kind == KeyType::Kind::ecdsa) proof = ecdsa_blob(proof);
  wire::Writer writer;
  writer.string(name).string(proof);
  if (type.security_key) writer.byte(flags).uint32(1);
  return writer.take();
}

Bytes MadeCertificate::make(const MadeKey& key, const MadeKey& authority) const {
  const KeyType& key_type_of = *key_type(key.type());
  wire::Writer writer;
  writer.string(key_type_of.certificate_name).string("nonce");
  const ByteView fields = ByteView(key.blob()).subspan(4 + key.type().size());
  writer.raw(fields);
  add_uint64(writer, serial);
  writer.uint32(type).string(key_id);
  wire::Writer names;
  for (const std::string& principal : principals) names.string(principal);
  writer.string(names.bytes());
  add_uint64(writer, valid_after);
  add_uint64(writer, valid_before);
  writer.string(options_blob(critical)).string(options_blob(extensions)).string("").string(authority.blob());
  Bytes blob = writer.take();
  wire::Writer signature;
  signature.string(authority.sign(blob, signature_algorithm));
  blob.insert(blob.end(), signature.bytes().begin(), signature.bytes().end());
  return blob;
}

Bytes MadeCertificate::text(std::string_view value) {
  wire::Writer writer;
  writer.string(value);
  return writer.take();
}

std::string encode_base64(ByteView bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  text.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()))));
  return text;
}

}  // namespace sallyport::auth
