#include "ssh/downstream/userauth_packet.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sallyport::ssh {
namespace {

void put(Bytes& out, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(text.size() >> shift));
  out.insert(out.end(), text.begin(), text.end());
}

Bytes publickey_request(bool with_signature, std::string_view method = "publickey") {
  Bytes packet{50};
  put(packet, "alice+web1");
  put(packet, "ssh-connection");
  put(packet, method);
  packet.push_back(with_signature ? 1 : 0);
  put(packet, "sk-ssh-ed25519@openssh.com");
  put(packet, "the key");
  if (method != "publickey") put(packet, "the host key");
  if (with_signature) {
    Bytes signature;
    put(signature, "sk-ssh-ed25519@openssh.com");
    put(signature, "64 bytes");
    signature.insert(signature.end(), {5, 0, 0, 0, 9});
    put(packet, std::string{signature.begin(), signature.end()});
  }
  return packet;
}

TEST(UserauthPacketTest, ReadsASignedRequestWithAnAuthenticatorsFlags) {
  for (const char* method : {"publickey", "publickey-hostbound-v00@openssh.com"}) {
    const auto packet = parse_userauth(publickey_request(true, method));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->user, "alice+web1");
    EXPECT_TRUE(packet->has_signature);
    EXPECT_EQ(text_of(packet->blob), "the key");
    EXPECT_EQ(packet->signature_algorithm, "sk-ssh-ed25519@openssh.com");
    EXPECT_EQ(packet->sk_flags, 5);
  }
}

TEST(UserauthPacketTest, ReadsPasswords) {
  Bytes packet{50};
  for (const char* text : {"alice", "ssh-connection", "password"}) put(packet, text);
  Bytes change = packet;
  packet.push_back(0);
  put(packet, "secret");
  change.push_back(1);
  put(change, "old");
  put(change, "new");
  const auto plain = parse_userauth(packet);
  ASSERT_TRUE(plain && plain->password);
  EXPECT_EQ(plain->password->view(), "secret");
  EXPECT_FALSE(plain->new_password);
  const auto changing = parse_userauth(change);
  ASSERT_TRUE(changing && changing->new_password);
  EXPECT_EQ(changing->password->view(), "old");
  EXPECT_EQ(changing->new_password->view(), "new");
  for (const Bytes& whole : {packet, change}) {
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_userauth(ByteView{whole}.first(size))) << size;
  }
}

TEST(UserauthPacketTest, ReadsAnswers) {
  Bytes packet{61, 0, 0, 0, 2};
  put(packet, "one");
  put(packet, "");
  const auto answers = parse_info_response(packet);
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2U);
  EXPECT_EQ((*answers)[0].view(), "one");
  EXPECT_TRUE((*answers)[1].empty());
  EXPECT_TRUE(parse_info_response(Bytes{61, 0, 0, 0, 0})->empty());
  for (std::size_t size = 0; size < packet.size(); ++size)
    EXPECT_FALSE(parse_info_response(ByteView{packet}.first(size))) << size;
  EXPECT_FALSE(parse_info_response(Bytes{61, 0xff, 0xff, 0xff, 0xff}));
}

TEST(UserauthPacketTest, WritesQuestions) {
  Bytes expected{60};
  put(expected, "name");
  put(expected, "do this");
  put(expected, "");
  expected.insert(expected.end(), {0, 0, 0, 2});
  put(expected, "Password: ");
  expected.push_back(0);
  put(expected, "Colour: ");
  expected.push_back(1);
  EXPECT_EQ(info_request_packet({"name", "do this", {{"Password: ", false}, {"Colour: ", true}}}), expected);
}

TEST(UserauthPacketTest, ReadsAnOffer) {
  const auto packet = parse_userauth(publickey_request(false));
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->has_signature);
  EXPECT_EQ(packet->algorithm, "sk-ssh-ed25519@openssh.com");
}

TEST(UserauthPacketTest, RefusesEveryTruncation) {
  const Bytes whole = publickey_request(true);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_userauth(ByteView{whole}.first(size))) << size;
  }
}

TEST(UserauthPacketTest, ABannerGoesInPiecesThatClientsTake) {
  for (const std::string& character :
       {std::string("x"), std::string("ż"), std::string("漢"), std::string("🐢"), std::string("\x80")}) {
    std::string text;
    while (text.size() < 100'000) text += character;
    std::string whole;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view piece = take_banner_piece(rest);
      ASSERT_FALSE(piece.empty());
      EXPECT_LE(banner_packet(piece).size(), 32'768U);
      if (character != "\x80") EXPECT_EQ(piece.size() % character.size(), 0U) << "a character was cut in two";
      whole += piece;
    }
    EXPECT_EQ(whole, text);
  }
}

TEST(UserauthPacketTest, RefusesANulInAName) {
  Bytes packet{50};
  put(packet, std::string_view{"root\0x", 6});
  put(packet, "ssh-connection");
  put(packet, "none");
  EXPECT_FALSE(parse_userauth(packet));
}

}  // namespace
}  // namespace sallyport::ssh
