// Which signatures a stranger may have verified.
#include "ssh/downstream/signature_cost.hpp"

#include <libssh/libssh.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <string>

#include "scripted_client.hpp"
#include "ssh/keys/key_file.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh::test {
namespace {

// A number of so many bits, as it stands on the wire.
Bytes number_of(std::size_t bits) {
  Bytes number;
  if (bits % 8 == 0) number.push_back(0);
  number.push_back(static_cast<std::uint8_t>(1U << (bits - 1) % 8));
  number.resize(number.size() + (bits - 1) / 8, 0xff);
  return number;
}

Bytes rsa_key(std::size_t exponent_bits, std::size_t modulus_bits) {
  wire::Writer blob;
  blob.string(std::string_view{"ssh-rsa"}).string(number_of(exponent_bits)).string(number_of(modulus_bits));
  return blob.take();
}

Bytes rsa_certificate(std::size_t exponent_bits, std::size_t modulus_bits) {
  wire::Writer blob;
  blob.string(std::string_view{"ssh-rsa-cert-v01@openssh.com"}).string(std::string_view{"nonce"});
  return blob.string(number_of(exponent_bits)).string(number_of(modulus_bits)).uint32(0).take();
}

TEST(SignatureCost, LargeNumbersAreCostlyInKeysAndCertificates) {
  for (const auto& make : {rsa_key, rsa_certificate}) {
    for (const std::size_t bits : {1024U, 2048U, 3072U, 4096U, 8192U}) EXPECT_FALSE(is_costly_to_verify(make(17, bits))) << bits;
    for (const std::size_t bits : {8193U, 16384U, 16385U, 200'000U}) EXPECT_TRUE(is_costly_to_verify(make(17, bits))) << bits;
    for (const std::size_t bits : {2U, 17U, 32U}) EXPECT_FALSE(is_costly_to_verify(make(bits, 2048))) << bits;
    for (const std::size_t bits : {33U, 64U, 2048U}) EXPECT_TRUE(is_costly_to_verify(make(bits, 2048))) << bits;
  }
}

TEST(SignatureCost, NothingElseIs) {
  EXPECT_FALSE(is_costly_to_verify({}));
  EXPECT_FALSE(is_costly_to_verify(wire::Writer().string(std::string_view{"ssh-ed25519"}).string(number_of(200'000)).bytes()));
  Bytes cut = rsa_key(17, 16384);
  cut.resize(cut.size() - 1);  // can't be used
  EXPECT_FALSE(is_costly_to_verify(cut));
}

class CostlyKeyTest : public SshTest {
 protected:
  CostlyKeyTest() {
    // Its exponent, 2^32 + 15, makes it costly; one with a large modulus takes a minute to make.
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr);
    BIGNUM* exponent = BN_new();
    EXPECT_EQ(BN_set_word(exponent, 4294967311), 1);
    EXPECT_EQ(EVP_PKEY_keygen_init(context), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent), 1);
    EVP_PKEY* key = nullptr;
    EXPECT_EQ(EVP_PKEY_keygen(context, &key), 1);
    const std::string name = folder_.write("costly", "");
    FILE* file = std::fopen(name.c_str(), "w");
    EXPECT_EQ(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    std::fclose(file);
    ::chmod(name.c_str(), 0600);
    EVP_PKEY_free(key);
    BN_free(exponent);
    EVP_PKEY_CTX_free(context);
    auto loaded = load_private_key(name);
    EXPECT_TRUE(loaded) << (loaded ? std::string{} : loaded.error().detail);
    if (loaded) key_ = std::move(*loaded);
  }

  // The client's login with the key, offered before it signs or not.
  bool gets_in(bool offered) {
    listen();
    bool in = false;
    ScriptedClient client{*io_, plain_socket(), [this, offered, &in](ScriptedClient& self) {
                            ssh_session session = self.connection->session();
                            if (self.step == 0 && offered) {
                              const int rc = ssh_userauth_try_publickey(session, nullptr, key_.get());
                              if (rc == SSH_AUTH_AGAIN) return;
                              EXPECT_EQ(rc, SSH_AUTH_SUCCESS);
                            }
                            if (self.step < 2) {
                              self.step = 1;
                              const int rc = ssh_userauth_publickey(session, nullptr, key_.get());
                              if (rc == SSH_AUTH_AGAIN) return;
                              in = rc == SSH_AUTH_SUCCESS;
                              self.step = 2;
                            }
                          }};
    EXPECT_TRUE(run_until([&client] { return client.step == 2; }));
    EXPECT_TRUE(run_until([this, in] { return !in || servers_[0]->logged_in; }));
    client.connection.reset();
    return in;
  }

  KeyHandle key_;
};

TEST_F(CostlyKeyTest, ASignatureThatNobodyAskedForIsNotVerified) {
  EXPECT_FALSE(gets_in(false));
  ASSERT_FALSE(servers_[0]->requests.empty());
  EXPECT_FALSE(servers_[0]->requests[0].key);
  EXPECT_FALSE(servers_[0]->requests[0].is_offer);
}

TEST_F(CostlyKeyTest, OneOfAKeyThatIsGoodIs) {
  ASSERT_TRUE(gets_in(true));
  EXPECT_TRUE(servers_[0]->requests.back().key->is_signed);
}

TEST_F(CostlyKeyTest, OneOfAKeyThatWasRefusedIsNot) {
  decide_ = [](DownstreamConnection& connection, const UserauthRequest& request) {
    EXPECT_TRUE(!request.key || !request.key->is_signed);
    connection.reject();
  };
  listen();
  ScriptedClient client{*io_, plain_socket(), [this](ScriptedClient& self) {
                          ssh_session session = self.connection->session();
                          if (self.step == 0) {
                            const int rc = ssh_userauth_try_publickey(session, nullptr, key_.get());
                            if (rc == SSH_AUTH_AGAIN) return;
                            EXPECT_EQ(rc, SSH_AUTH_DENIED);
                            self.step = 1;
                          }
                          if (self.step == 1) {
                            const int rc = ssh_userauth_publickey(session, nullptr, key_.get());
                            if (rc == SSH_AUTH_AGAIN) return;
                            EXPECT_EQ(rc, SSH_AUTH_DENIED);
                            self.step = 2;
                          }
                        }};
  EXPECT_TRUE(run_until([&client] { return client.step == 2; }));
  client.connection.reset();
}

}  // namespace
}  // namespace sallyport::ssh::test
