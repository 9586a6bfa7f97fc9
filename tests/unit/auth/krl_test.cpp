#include "auth/keys/krl.hpp"

#include <openssl/sha.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/lookup/key_list.hpp"
#include "made_keys.hpp"
#include "wire/encoding.hpp"

namespace sallyport::auth {
namespace {

using ::testing::HasSubstr;

void put_uint64(wire::Writer& writer, std::uint64_t value) {
  writer.uint32(static_cast<std::uint32_t>(value >> 32U)).uint32(static_cast<std::uint32_t>(value));
}

Bytes numbers(std::initializer_list<std::uint64_t> values) {
  wire::Writer writer;
  for (const std::uint64_t value : values) put_uint64(writer, value);
  return writer.take();
}

Bytes strings(std::initializer_list<ByteView> values) {
  wire::Writer writer;
  for (const ByteView value : values) writer.string(value);
  return writer.take();
}

Bytes section(std::uint8_t type, ByteView data) {
  wire::Writer writer;
  writer.byte(type).string(data);
  return writer.take();
}

/// A list of these sections.
Bytes krl(std::initializer_list<Bytes> sections) {
  wire::Writer writer;
  writer.raw(bytes_of({"SSHKRL\n\0", 8})).uint32(1);
  for (int i = 0; i < 3; ++i) put_uint64(writer, 0);
  writer.string("").string("a comment");
  for (const Bytes& one : sections) writer.raw(one);
  return writer.take();
}

/// A section of certificates of `authority` (empty: of all).
Bytes certificates(ByteView authority, std::initializer_list<Bytes> sections) {
  wire::Writer writer;
  writer.string(authority).string("");
  for (const Bytes& one : sections) writer.raw(one);
  return section(1, writer.bytes());
}

Bytes bitmap(std::uint64_t offset, const Bytes& bits) {
  wire::Writer writer;
  put_uint64(writer, offset);
  writer.string(bits);
  return section(0x22, writer.bytes());
}

struct KrlTest : ::testing::Test {
  static Certificate certificate(std::uint64_t serial, const std::string& key_id = "id", const MadeKey& by = authority()) {
    MadeCertificate made;
    made.serial = serial;
    made.key_id = key_id;
    return *parse_certificate(made.make(user(), by));
  }
  static const MadeKey& user() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }
  static const MadeKey& authority() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }
  static const MadeKey& other() {
    static const MadeKey key("ssh-ed25519");
    return key;
  }
  static PublicKey key() { return *PublicKey::parse(user().blob()); }

  static bool revokes_key(const Bytes& list) {
    const auto revoked = krl_revokes(list, key(), nullptr);
    EXPECT_TRUE(revoked) << revoked.error().detail;
    return revoked && *revoked;
  }
  static bool revokes_certificate(const Bytes& list, const Certificate& one) {
    const auto revoked = krl_revokes(list, one.key, &one);
    EXPECT_TRUE(revoked) << revoked.error().detail;
    return revoked && *revoked;
  }
};

TEST_F(KrlTest, AnEmptyListRevokesNothing) {
  EXPECT_TRUE(is_krl(krl({})));
  EXPECT_FALSE(is_krl(bytes_of("ssh-ed25519 AAAA")));
  EXPECT_FALSE(revokes_key(krl({})));
  EXPECT_FALSE(revokes_certificate(krl({}), certificate(1)));
}

TEST_F(KrlTest, RevokesKeysAndTheirHashes) {
  Bytes sha1(SHA_DIGEST_LENGTH);
  SHA1(user().blob().data(), user().blob().size(), sha1.data());
  Bytes sha256(SHA256_DIGEST_LENGTH);
  SHA256(user().blob().data(), user().blob().size(), sha256.data());
  const Bytes zeros1(sha1.size());
  const Bytes zeros256(sha256.size());
  for (const Bytes& list : {krl({section(2, strings({other().blob(), user().blob()}))}),
                            krl({section(3, strings({sha1, zeros1}))}), krl({section(5, strings({zeros256, sha256}))})}) {
    EXPECT_TRUE(revokes_key(list));
    EXPECT_TRUE(revokes_certificate(list, certificate(1))) << "a certificate for a revoked key";
  }
  EXPECT_FALSE(
      revokes_key(krl({section(2, strings({other().blob()})), section(3, strings({zeros1})), section(5, strings({zeros256}))})));
}

TEST_F(KrlTest, RevokesCertificatesOfItsAuthority) {
  const Bytes list =
      krl({certificates(authority().blob(), {section(0x20, numbers({3, 9})), section(0x21, numbers({20, 22})),
                                             bitmap(100, {0x05}), section(0x23, strings({bytes_of("x"), bytes_of("thief")}))})});
  for (const std::uint64_t serial : {3U, 9U, 20U, 21U, 22U, 100U, 102U})
    EXPECT_TRUE(revokes_certificate(list, certificate(serial))) << serial;
  for (const std::uint64_t serial : {0U, 1U, 4U, 19U, 23U, 99U, 101U, 103U, 108U}) {
    EXPECT_FALSE(revokes_certificate(list, certificate(serial))) << serial;
  }
  EXPECT_TRUE(revokes_certificate(list, certificate(1, "thief")));
  EXPECT_FALSE(revokes_certificate(list, certificate(3, "thief", other()))) << "of another authority";
  EXPECT_FALSE(revokes_key(list));
}

TEST_F(KrlTest, WithoutAnAuthorityItIsAboutAll) {
  const Bytes list = krl({certificates({}, {section(0x20, numbers({3}))})});
  EXPECT_TRUE(revokes_certificate(list, certificate(3)));
  EXPECT_TRUE(revokes_certificate(list, certificate(3, "id", other())));
}

TEST_F(KrlTest, SerialNumberZeroIsNone) {
  const Bytes list =
      krl({certificates(authority().blob(), {section(0x20, numbers({0})), section(0x21, numbers({0, 5})), bitmap(0, {0x7f})})});
  EXPECT_FALSE(revokes_certificate(list, certificate(0)));
  EXPECT_TRUE(revokes_certificate(list, certificate(1)));
}

TEST_F(KrlTest, BitmapsReachToTheLastSerialNumber) {
  const std::uint64_t last = ~std::uint64_t{0};
  EXPECT_TRUE(revokes_certificate(krl({certificates({}, {bitmap(last - 7, {0x00, 0x80})})}), certificate(last)));
  EXPECT_FALSE(revokes_certificate(krl({certificates({}, {bitmap(last - 7, {0x00, 0x80})})}), certificate(last - 1)));
  const Certificate any = certificate(1);
  EXPECT_FALSE(krl_revokes(krl({certificates({}, {bitmap(last - 5, {0x7f})})}), any.key, &any)) << "beyond the last";
  EXPECT_FALSE(krl_revokes(krl({certificates({}, {bitmap(last - 7, {0x01, 0x00})})}), any.key, &any)) << "beyond the last";
}

TEST_F(KrlTest, ABitmapIsAsLongAsItsHighestBitThatIsSet) {
  const std::uint64_t last = ~std::uint64_t{0};
  const Bytes list = krl({certificates({}, {bitmap(last - 6, {0x7f})})});
  EXPECT_TRUE(revokes_certificate(list, certificate(last)));
  EXPECT_TRUE(revokes_certificate(list, certificate(last - 6)));
  EXPECT_FALSE(revokes_certificate(list, certificate(last - 7)));
  EXPECT_TRUE(revokes_certificate(krl({certificates({}, {bitmap(last, {0x00, 0x00, 0x01})})}), certificate(last)));
  EXPECT_FALSE(revokes_certificate(krl({certificates({}, {bitmap(last, {0x00})})}), certificate(last))) << "without any";
  EXPECT_FALSE(revokes_certificate(krl({certificates({}, {bitmap(5, {0x00, 0x00})})}), certificate(5))) << "without any";
}

TEST_F(KrlTest, WhatIsMalformedOrUnknownIsAnError) {
  const Bytes extension = strings({bytes_of("x")});
  Bytes critical = extension;
  critical.push_back(1);
  critical.insert(critical.end(), 4, 0);
  Bytes optional = extension;
  optional.push_back(0);
  optional.insert(optional.end(), 4, 0);
  EXPECT_FALSE(revokes_key(krl({section(255, optional), certificates({}, {section(0x39, optional)})})));
  EXPECT_FALSE(revokes_key(krl({section(4, strings({authority().blob(), bytes_of("signature")}))}))) << "not looked at";
  const Bytes lists[] = {
      krl({section(255, critical)}),
      krl({certificates({}, {section(0x39, critical)})}),
      krl({section(255, extension)}),
      krl({section(6, {})}),
      krl({certificates({}, {section(0x24, {})})}),
      krl({section(3, strings({bytes_of("short")}))}),
      krl({section(5, strings({bytes_of("short")}))}),
      krl({section(1, {})}),
      krl({certificates({}, {section(0x20, bytes_of("1234567"))})}),
      krl({certificates({}, {section(0x21, numbers({2, 1}))})}),
      krl({certificates({}, {section(0x21, numbers({1}))})}),
      krl({certificates({}, {section(0x21, numbers({1, 2, 3}))})}),
      krl({certificates({}, {bitmap(1, {})})}),
      krl({certificates({}, {bitmap(1, {0x80})})}),
      Bytes(bytes_of("SSHKRL\n").begin(), bytes_of("SSHKRL\n").end()),
  };
  for (std::size_t i = 0; i < std::size(lists); ++i) EXPECT_FALSE(krl_revokes(lists[i], key(), nullptr)) << i;
}

TEST_F(KrlTest, APartOfAListIsAnErrorUnlessItEndsWithASection) {
  const Bytes last = section(2, strings({user().blob()}));
  const Bytes whole = krl({certificates({}, {section(0x20, numbers({3}))}), last});
  const std::size_t header = krl({}).size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto revoked = krl_revokes(ByteView(whole).first(size), key(), nullptr);
    const bool at_a_section = size == header || size == whole.size() - last.size();
    EXPECT_EQ(revoked.has_value(), at_a_section) << size;
  }
}

TEST_F(KrlTest, ChangedListsDoNoHarm) {
  const Certificate one = certificate(3);
  const Bytes whole = krl(
      {certificates(authority().blob(), {section(0x20, numbers({5})), section(0x21, numbers({7, 8})), bitmap(64, {0x01, 0x02})}),
       section(2, strings({user().blob()}))});
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned flip : {1U, 0x80U, 0xffU}) {
      Bytes changed = whole;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      static_cast<void>(krl_revokes(changed, one.key, &one).has_value());
    }
  }
}

TEST_F(KrlTest, PlainListsRevokeKeysAndThoseOfCertificates) {
  const Certificate one = certificate(1);
  const std::string of_certificate = std::string(certificate_key_type("ssh-ed25519-cert-v01@openssh.com")->certificate_name) +
                                     " " + encode_base64(MadeCertificate{}.make(user(), other()));
  for (const std::string& text : {"# gone\n\n" + other().line() + "\n" + user().line() + "\n", of_certificate + "\n"}) {
    EXPECT_TRUE(*revokes(text, key(), nullptr)) << text;
    EXPECT_TRUE(*revokes(text, one.key, &one)) << text;
  }
  EXPECT_FALSE(*revokes(other().line() + "\n", key(), nullptr));
  EXPECT_FALSE(*revokes("", key(), nullptr));
  EXPECT_FALSE(*revokes("ssh-dss AAAAB3NzaC1kc3MAAAAB\n", key(), nullptr)) << "can't log in anyway";
}

TEST_F(KrlTest, APlainListThatCannotBeReadIsAnError) {
  for (const std::string& bad :
       {std::string("garbage"), std::string("ssh-ed25519 ????"),
        user().type() + " " + encode_base64(ByteView(user().blob()).first(40)), "no-pty " + user().line()}) {
    const auto revoked = revokes(other().line() + "\n" + bad + "\n", key(), nullptr);
    ASSERT_FALSE(revoked) << bad;
    EXPECT_THAT(revoked.error().detail, HasSubstr("line 2: "));
  }
}

TEST_F(KrlTest, ListsOfAuthoritiesSkipWhatTheyCannotRead) {
  KeyWarnings warnings;
  EXPECT_TRUE(lists_key("garbage\n" + user().line() + "\n", "f", key(), warnings));
  ASSERT_EQ(warnings.list().size(), 1U);
  EXPECT_EQ(warnings.list()[0].line, 1U);
  EXPECT_FALSE(lists_key(other().line() + "\n", "f", key(), warnings));
}

}  // namespace
}  // namespace sallyport::auth
