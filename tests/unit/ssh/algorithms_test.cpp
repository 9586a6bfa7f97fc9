#include "ssh/keys/algorithms.hpp"

#include <algorithm>

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
      {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
       "sk-ecdsa-sha2-nistp256@openssh.com"},
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

TEST(Algorithms, WhatIsOfferedIsInThisBuild) {
  Algorithms offered;
  offered.kex = joined(default_upstream_kex(), legacy_algorithms().kex);
  offered.ciphers = joined(default_ciphers(), legacy_algorithms().ciphers);
  offered.macs = joined(default_macs(), legacy_algorithms().macs);
  offered.host_keys = joined(default_host_keys(), legacy_algorithms().host_keys);
  const auto checked = check_algorithms(offered);
  EXPECT_TRUE(checked) << checked.error().detail;
}

TEST(Algorithms, NistCurvesAreForTargetsAloneAndComeLast) {
  const auto is_nist = [](const std::string& name) { return name.find("nistp") != std::string::npos; };
  EXPECT_TRUE(std::none_of(default_kex().begin(), default_kex().end(), is_nist));
  const Names& upstream = default_upstream_kex();
  EXPECT_EQ(std::count_if(upstream.begin(), upstream.end(), is_nist), 3);
  EXPECT_TRUE(std::all_of(upstream.end() - 3, upstream.end(), is_nist));
}

TEST(Algorithms, NamesWhatTheBuildLacks) {
  Algorithms wanted;
  wanted.ciphers = Names{"aes256-ctr", "arcfour"};
  const auto checked = check_algorithms(wanted);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().detail, "this build of libssh has no cipher \"arcfour\"");
}

TEST(Algorithms, SaysOfWhatNoLibsshHasThatItIsSo) {
  const auto text = [](const std::string& server) {
    return nothing_in_common("kex error : no match for method x: server [" + server + "], client [a,b]");
  };
  EXPECT_EQ(text("ssh-rsa"), "no algorithm in common");
  EXPECT_EQ(text("ssh-dss,ssh-rsa"), "no algorithm in common");
  EXPECT_EQ(text("ssh-dss"), "no algorithm in common: it has ssh-dss or MD5 alone, which libssh doesn't have any more");
  EXPECT_EQ(text("hmac-md5,hmac-md5-96"), text("ssh-dss"));
  EXPECT_EQ(nothing_in_common("something else"), "no algorithm in common");
}

}  // namespace
}  // namespace sallyport::ssh
