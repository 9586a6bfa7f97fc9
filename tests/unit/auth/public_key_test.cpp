#include "auth/keys/public_key.hpp"

#include <gtest/gtest.h>

#include "made_keys.hpp"
#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

const ByteView kData = bytes_of("to be signed");

class KeyTypeTest : public ::testing::TestWithParam<const char*> {};

TEST_P(KeyTypeTest, VerifiesItsSignaturesAndNoOthers) {
  const MadeKey made(GetParam());
  const MadeKey other(GetParam());
  const auto key = PublicKey::parse(made.blob());
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->type().name, GetParam());
  EXPECT_TRUE(key->verify(kData, made.sign(kData)));
  EXPECT_FALSE(key->verify(bytes_of("to be Signed"), made.sign(kData)));
  EXPECT_FALSE(key->verify(kData, other.sign(kData)));
}

TEST_P(KeyTypeTest, NoPartOfASignatureWillDo) {
  const MadeKey made(GetParam());
  const auto key = PublicKey::parse(made.blob());
  ASSERT_TRUE(key);
  const Bytes signature = made.sign(kData);
  for (std::size_t size = 0; size < signature.size(); ++size)
    EXPECT_FALSE(key->verify(kData, ByteView(signature).first(size))) << size;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes changed = signature;
    changed[i] ^= 1U;
    EXPECT_FALSE(key->verify(kData, changed)) << i;
  }
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(key->verify(kData, longer));
}

TEST_P(KeyTypeTest, NeitherPartsNorMoreThanAKeyIsAKey) {
  const Bytes blob = MadeKey(GetParam()).blob();
  for (std::size_t size = 0; size < blob.size(); ++size) EXPECT_FALSE(PublicKey::parse(ByteView(blob).first(size))) << size;
  Bytes longer = blob;
  longer.push_back(0);
  EXPECT_FALSE(PublicKey::parse(longer));
}

INSTANTIATE_TEST_SUITE_P(Types, KeyTypeTest,
                         ::testing::Values("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                           "ssh-rsa", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
                         [](const auto& row) {
                           std::string name;
                           for (const char c : std::string_view(row.param)) {
                             if (c == '@') break;
                             if (c != '-') name += c;
                           }
                           return name;
                         });

TEST(PublicKey, RsaSignaturesNeedSha2) {
  const MadeKey made("ssh-rsa");
  const auto key = PublicKey::parse(made.blob());
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->verify(kData, made.sign(kData, "rsa-sha2-256")));
  EXPECT_TRUE(key->verify(kData, made.sign(kData, "rsa-sha2-512")));
  EXPECT_FALSE(key->verify(kData, made.sign(kData, "ssh-rsa")));
  EXPECT_FALSE(key->verify(kData, MadeKey("ssh-ed25519").sign(kData)));
}

TEST(PublicKey, ASignatureOfAnotherTypeOfKeyIsNone) {
  const MadeKey plain("ssh-ed25519");
  const auto key = PublicKey::parse(plain.blob());
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->verify(kData, plain.sign(kData, "ecdsa-sha2-nistp256")));
}

TEST(PublicKey, CountsTheBitsOfRsa) {
  const auto key = PublicKey::parse(MadeKey("ssh-rsa", 1024).blob());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->rsa_bits(), 1024U);
  EXPECT_TRUE(check_rsa_size(*key, 1024));
  EXPECT_FALSE(check_rsa_size(*key, 1025));
  EXPECT_TRUE(check_rsa_size(*PublicKey::parse(MadeKey("ssh-ed25519").blob()), 2048));
}

TEST(PublicKey, OneKeyHasOneSpelling) {
  const auto rsa = [](const Bytes& exponent, const Bytes& modulus) {
    wire::Writer writer;
    writer.string("ssh-rsa").string(exponent).string(modulus);
    return PublicKey::parse(writer.bytes()).has_value();
  };
  const Bytes modulus(256, 0x55);
  Bytes padded = modulus;
  padded.insert(padded.begin(), 0);
  Bytes negative(256, 0x95);
  EXPECT_TRUE(rsa({1, 0, 1}, modulus));
  EXPECT_FALSE(rsa({1, 0, 1}, padded));
  EXPECT_FALSE(rsa({0, 1, 0, 1}, modulus));
  EXPECT_FALSE(rsa({1, 0, 1}, negative));
  EXPECT_FALSE(rsa({1, 0, 1}, {}));
  EXPECT_FALSE(rsa({1, 0, 1}, Bytes(16384 / 8 + 1, 0x55)));
  EXPECT_FALSE(rsa(Bytes(9, 0x55), modulus));
}

TEST(PublicKey, AnEcdsaKeyIsOfItsCurve) {
  const Bytes blob = MadeKey("ecdsa-sha2-nistp256").blob();
  wire::Reader reader(blob);
  static_cast<void>(reader.string());
  static_cast<void>(reader.string());
  const ByteView point = reader.string();
  const auto parses = [](std::string_view type, std::string_view curve, ByteView bytes) {
    wire::Writer writer;
    writer.string(type).string(curve).string(bytes);
    return PublicKey::parse(writer.bytes()).has_value();
  };
  EXPECT_TRUE(parses("ecdsa-sha2-nistp256", "nistp256", point));
  EXPECT_FALSE(parses("ecdsa-sha2-nistp256", "nistp384", point));
  EXPECT_FALSE(parses("ecdsa-sha2-nistp384", "nistp384", point));
  Bytes compressed(point.begin(), point.begin() + 33);
  compressed[0] = 2;
  EXPECT_FALSE(parses("ecdsa-sha2-nistp256", "nistp256", compressed));
}

TEST(PublicKey, WhatIsNoPointOfTheCurveVerifiesNothing) {
  Bytes point(65, 7);
  point[0] = 4;
  wire::Writer writer;
  writer.string("ecdsa-sha2-nistp256").string("nistp256").string(point);
  const auto key = PublicKey::parse(writer.bytes());
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->verify(kData, MadeKey("ecdsa-sha2-nistp256").sign(kData)));
}

TEST(PublicKey, FingerprintsLookAsThoseOfSshKeygen) {
  // ssh-keygen -l of the key with the bytes 0 to 31.
  Bytes raw(32);
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::uint8_t>(i);
  wire::Writer writer;
  writer.string("ssh-ed25519").string(raw);
  EXPECT_EQ(fingerprint_of(writer.bytes()), "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
}

TEST(PublicKey, ACertificateIsNoKey) {
  const MadeKey key("ssh-ed25519");
  EXPECT_FALSE(PublicKey::parse(MadeCertificate{}.make(key, key)));
  EXPECT_FALSE(PublicKey::parse(bytes_of("")));
}

}  // namespace
}  // namespace sallyport::auth
