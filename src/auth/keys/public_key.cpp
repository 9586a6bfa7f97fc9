#include "auth/keys/public_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include <fmt/format.h>

#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

using Kind = KeyType::Kind;

constexpr std::array<KeyType, 7> kKeyTypes{{
    {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", Kind::ed25519, false, 1, {}, 0},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", Kind::ecdsa, false, 2, "nistp256", 256},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", Kind::ecdsa, false, 2, "nistp384", 384},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", Kind::ecdsa, false, 2, "nistp521", 521},
    {"ssh-rsa", "ssh-rsa-cert-v01@openssh.com", Kind::rsa, false, 2, {}, 0},
    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", Kind::ed25519, true, 2, {}, 0},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", Kind::ecdsa, true, 3, "nistp256", 256},
}};

constexpr std::size_t kEd25519Size = 32;
constexpr unsigned kMaxRsaBits = 16384;  // as sshd; verifying takes ever longer
constexpr std::size_t kMaxExponentSize = 8;
constexpr std::size_t kMaxApplication = 1024;

template <typename T, void (*kFree)(T*)>
struct Free {
  void operator()(T* object) const { kFree(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BIGNUM, BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM, OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG, ECDSA_SIG_free>>;

/// RFC 4251, 5: positive, and without a zero in front that isn't needed.
bool is_canonical_mpint(ByteView field) {
  if (field.empty() || (field[0] & 0x80U) != 0) return false;
  return field[0] != 0 || (field.size() > 1 && (field[1] & 0x80U) != 0);
}

unsigned bits_of(ByteView mpint) {
  if (!mpint.empty() && mpint[0] == 0) mpint = mpint.subspan(1);
  return mpint.empty() ? 0 : static_cast<unsigned>(8 * (mpint.size() - 1)) + std::bit_width(mpint[0]);
}

/// The strings behind the type's name.
struct Fields {
  std::array<ByteView, 3> strings;
  bool complete = false;
};

Fields fields_of(const KeyType& type, ByteView blob) {
  wire::Reader reader(blob);
  static_cast<void>(reader.string());
  Fields fields;
  for (unsigned i = 0; i < type.fields; ++i) fields.strings[i] = reader.string();
  fields.complete = reader.at_end();
  return fields;
}

bool is_sound(const KeyType& type, const Fields& fields) {
  const auto& strings = fields.strings;
  if (type.security_key && strings[type.fields - 1].size() > kMaxApplication) return false;
  switch (type.kind) {
    case Kind::ed25519: return strings[0].size() == kEd25519Size;
    case Kind::ecdsa: {
      // Uncompressed, which is how everybody writes them; whether it is a point at all is libcrypto's to say.
      const std::size_t coordinate = (type.curve_bits + 7) / 8;
      return text_of(strings[0]) == type.curve && strings[1].size() == 1 + 2 * coordinate && strings[1][0] == 4;
    }
    case Kind::rsa:
      return is_canonical_mpint(strings[0]) && strings[0].size() <= kMaxExponentSize && is_canonical_mpint(strings[1]) &&
             bits_of(strings[1]) <= kMaxRsaBits;
  }
  return false;
}

Key key_from(const char* algorithm, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return Key(key);
}

Number number_from(ByteView mpint) { return Number(BN_bin2bn(mpint.data(), static_cast<int>(mpint.size()), nullptr)); }

Key make_key(const KeyType& type, const Fields& fields) {
  const auto& strings = fields.strings;
  if (type.kind == Kind::ed25519) {
    return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, strings[0].data(), strings[0].size()));
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder) return nullptr;
  if (type.kind == Kind::rsa) {
    const Number exponent = number_from(strings[0]);
    const Number modulus = number_from(strings[1]);
    if (!exponent || !modulus || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1) {
      return nullptr;
    }
    return key_from("RSA", builder.get());
  }
  const char* group = type.curve_bits == 256 ? "P-256" : type.curve_bits == 384 ? "P-384" : "P-521";
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, strings[1].data(), strings[1].size()) != 1) {
    return nullptr;
  }
  Key key = key_from("EC", builder.get());
  if (!key) return nullptr;
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(key) : nullptr;
}

/// RFC 5656, 3.1.2: two numbers, which libcrypto wants in DER.
Bytes ecdsa_der(ByteView blob) {
  wire::Reader reader(blob);
  const ByteView r_field = reader.string();
  const ByteView s_field = reader.string();
  if (!reader.at_end() || !is_canonical_mpint(r_field) || !is_canonical_mpint(s_field)) return {};
  Number r = number_from(r_field);
  Number s = number_from(s_field);
  const EcdsaSignature signature(ECDSA_SIG_new());
  if (!r || !s || !signature || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());  // the signature's
  static_cast<void>(s.release());
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0) return {};
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  return i2d_ECDSA_SIG(signature.get(), &end) == size ? der : Bytes{};
}

const EVP_MD* digest_for(const KeyType& type, std::string_view algorithm) {
  switch (type.kind) {
    case Kind::ed25519: return nullptr;  // it has its own
    case Kind::rsa: return algorithm == "rsa-sha2-512" ? EVP_sha512() : EVP_sha256();
    case Kind::ecdsa: break;
  }
  return type.curve_bits == 256 ? EVP_sha256() : type.curve_bits == 384 ? EVP_sha384() : EVP_sha512();
}

bool fits(const KeyType& type, std::string_view algorithm) {
  if (type.kind == Kind::rsa) return algorithm == "rsa-sha2-256" || algorithm == "rsa-sha2-512";
  return algorithm == type.name;
}

/// The proof as libcrypto wants it; empty when it is none.
Bytes proof_for(const KeyType& type, const EVP_PKEY* key, ByteView blob) {
  if (type.kind == Kind::ecdsa) return ecdsa_der(blob);
  Bytes proof(blob.begin(), blob.end());
  if (type.kind == Kind::ed25519) return proof;
  // Some leave the zeros in front of an RSA signature out.
  const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  if (proof.empty() || proof.size() > size) return {};
  proof.insert(proof.begin(), size - proof.size(), 0);
  return proof;
}

Bytes sha256(ByteView data) {
  Bytes digest(32);
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  return digest;
}

}  // namespace

const KeyType* key_type(std::string_view name) {
  const auto found = std::find_if(kKeyTypes.begin(), kKeyTypes.end(), [name](const KeyType& type) { return type.name == name; });
  return found == kKeyTypes.end() ? nullptr : &*found;
}

const KeyType* certificate_key_type(std::string_view name) {
  const auto found =
      std::find_if(kKeyTypes.begin(), kKeyTypes.end(), [name](const KeyType& type) { return type.certificate_name == name; });
  return found == kKeyTypes.end() ? nullptr : &*found;
}

std::string fingerprint_of(ByteView blob) {
  const Bytes digest = sha256(blob);
  std::array<std::uint8_t, 48> text{};
  const int size = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  std::string_view base64 = text_of(ByteView(text).first(static_cast<std::size_t>(size)));
  while (!base64.empty() && base64.back() == '=') base64.remove_suffix(1);
  return "SHA256:" + std::string(base64);
}

Result<PublicKey> PublicKey::parse(ByteView blob) {
  wire::Reader reader(blob);
  const KeyType* type = key_type(reader.text());
  if (type == nullptr) return fail(Errc::protocol, "the key is of no known type");
  const Fields fields = fields_of(*type, blob);
  if (!fields.complete || !is_sound(*type, fields)) return fail(Errc::protocol, "the key is malformed");
  return PublicKey(*type, Bytes(blob.begin(), blob.end()));
}

unsigned PublicKey::rsa_bits() const { return type_->kind == Kind::rsa ? bits_of(fields_of(*type_, blob_).strings[1]) : 0; }

Result<> PublicKey::verify(ByteView data, ByteView signature) const {
  wire::Reader reader(signature);
  const std::string_view algorithm = reader.text();
  const ByteView blob = reader.string();
  const Fields fields = fields_of(*type_, blob_);
  Bytes signed_data(data.begin(), data.end());
  if (type_->security_key) {  // PROTOCOL.u2f, "SSH U2F signatures"
    wire::Writer writer;
    writer.raw(sha256(fields.strings[type_->fields - 1]));
    writer.byte(reader.byte());      // flags
    writer.uint32(reader.uint32());  // counter
    writer.raw(sha256(data));
    signed_data = writer.take();
  }
  if (!reader.at_end()) return fail(Errc::denied, "the signature is malformed");
  if (!fits(*type_, algorithm)) return fail(Errc::denied, "the signature is made with an algorithm that is not accepted");
  const Key key = make_key(*type_, fields);
  if (!key) return fail(Errc::denied, "the signing key is not valid");
  const Bytes proof = proof_for(*type_, key.get(), blob);
  const DigestContext context(EVP_MD_CTX_new());
  if (proof.empty() || !context ||
      EVP_DigestVerifyInit(context.get(), nullptr, digest_for(*type_, algorithm), nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), proof.data(), proof.size(), signed_data.data(), signed_data.size()) != 1) {
    return fail(Errc::denied, "the signature is wrong");
  }
  return {};
}

Result<> check_rsa_size(const PublicKey& key, unsigned min_bits) {
  const unsigned bits = key.rsa_bits();
  if (key.type().kind != Kind::rsa || bits >= min_bits) return {};
  return fail(Errc::denied, fmt::format("the RSA key has {} bits, {} are required", bits, min_bits));
}

}  // namespace sallyport::auth
