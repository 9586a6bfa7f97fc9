#include "ssh/algorithms.hpp"

#include <gtest/gtest.h>

namespace sallyport::ssh {
namespace {

TEST(UserKeyAlgorithm, KeysAndCertificatesAreSignedWithByTheSame) {
  struct Row {
    const char* name;
    const char* blob_type;
    const char* signature;
  };
  const Row rows[] = {
      {"ssh-ed25519", "ssh-ed25519", "ssh-ed25519"},
      {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"},
      {"rsa-sha2-512", "ssh-rsa", "rsa-sha2-512"},
      {"rsa-sha2-256-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "rsa-sha2-256"},
      {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521"},
      {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com"},
      {"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com"},
      {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"},
  };
  for (const Row& row : rows) {
    const UserKeyAlgorithm* algorithm = user_key_algorithm(row.name);
    ASSERT_NE(algorithm, nullptr) << row.name;
    EXPECT_EQ(algorithm->blob_type, row.blob_type);
    EXPECT_EQ(algorithm->signature, row.signature);
  }
}

TEST(UserKeyAlgorithm, Sha1DssAndUnknownOnesAreNone) {
  for (const char* name : {"ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "ssh-dss", "ssh-dss-cert-v01@openssh.com", "",
                           "ssh-ed25519-cert-v00@openssh.com", "rsa-sha2-512-cert-v01"}) {
    EXPECT_EQ(user_key_algorithm(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace sallyport::ssh
