#include "mux/admission/share_key.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace sallyport::mux {
namespace {

/// Someone at a target, and all that decides who shares a trunk.
struct Case {
  Admission client;
  ResolvedTarget target;
  Lends lends;

  TrunkAccess access() const { return trunk_access(client, target, lends); }
};

Case plain() {
  Case one;
  one.client.id = ConnectionId{7};
  one.client.user = "alice";
  one.client.method = "publickey";
  one.client.password = std::make_shared<const SecretString>("typed");
  one.target.name = "web1";
  one.target.host = "10.0.0.5";
  one.target.user = "alice";
  one.target.credentials = {{Credential::Kind::key_file, "keys/alice"}};
  one.target.known_hosts = "known_hosts";
  return one;
}

struct Change {
  const char* name;
  std::function<void(Case&)> make;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

// Every one of these alone makes another trunk.
const std::vector<Change>& changes() {
  static const std::vector<Change> all{
      {"user", [](Case& c) { c.client.user = "bob"; }},
      {"method", [](Case& c) { c.client.method = "publickey+keyboard-interactive"; }},
      {"mfa", [](Case& c) { c.client.mfa = true; }},
      {"certificate", [](Case& c) { c.client.grant.certificate = CertificateIdentity{}; }},
      {"authority",
       [](Case& c) {
         c.client.grant.certificate = CertificateIdentity{{}, 0, "SHA256:ca"};
       }},
      {"key_id",
       [](Case& c) {
         c.client.grant.certificate = CertificateIdentity{"alice@laptop", 0, {}};
       }},
      {"command", [](Case& c) { c.client.grant.command = ""; }},
      {"another_command", [](Case& c) { c.client.grant.command = "true"; }},
      {"pty", [](Case& c) { c.client.grant.pty = false; }},
      {"agent_forwarding", [](Case& c) { c.client.grant.agent_forwarding = false; }},
      {"port_forwarding", [](Case& c) { c.client.grant.port_forwarding = false; }},
      {"x11_forwarding", [](Case& c) { c.client.grant.x11_forwarding = false; }},
      {"user_rc", [](Case& c) { c.client.grant.user_rc = false; }},
      {"permit_open_none", [](Case& c) { c.client.grant.permit_open.emplace(); }},
      {"permit_open", [](Case& c) { c.client.grant.permit_open = {{"db:5432"}}; }},
      {"permit_listen", [](Case& c) { c.client.grant.permit_listen = {{"db:5432"}}; }},
      {"environment",
       [](Case& c) {
         c.client.grant.environment = {{"A", "b"}};
       }},
      {"touch", [](Case& c) { c.client.grant.touch_required = false; }},
      {"verify", [](Case& c) { c.client.grant.verify_required = true; }},
      {"target", [](Case& c) { c.target.name = "web2"; }},
      {"host", [](Case& c) { c.target.host = "10.0.0.6"; }},
      {"port", [](Case& c) { c.target.port = 2222; }},
      {"login", [](Case& c) { c.target.user = "root"; }},
      {"credential", [](Case& c) { c.target.credentials[0].value = "keys/other"; }},
      {"credential_kind", [](Case& c) { c.target.credentials[0].kind = Credential::Kind::certificate_authority; }},
      {"more_credentials",
       [](Case& c) {
         c.target.credentials.push_back({Credential::Kind::agent, "socket"});
       }},
      {"asks",
       [](Case& c) {
         c.target.credentials.push_back({Credential::Kind::keyboard_interactive, {}});
       }},
      {"passphrase", [](Case& c) { c.target.passphrase_file = "phrase"; }},
      {"signer", [](Case& c) { c.target.signer = {"/bin/sign"}; }},
      {"validity", [](Case& c) { c.target.certificate_validity = Duration(1); }},
      {"principals", [](Case& c) { c.target.certificate_principals = {"root"}; }},
      {"known_hosts", [](Case& c) { c.target.known_hosts = "others"; }},
      {"proxy_command", [](Case& c) { c.target.proxy_command = {"/bin/nc"}; }},
      {"via", [](Case& c) { c.target.via = ViaTarget(plain().target); }},
      {"host_key_policy", [](Case& c) { c.target.options.host_key_policy = HostKeyPolicy::accept_new; }},
      {"forward_agent", [](Case& c) { c.target.options.forward_agent = true; }},
      {"lends_agent", [](Case& c) { c.lends.agent = true; }},
      {"lends_display", [](Case& c) { c.lends.display = true; }},
      {"password",
       [](Case& c) {
         c.target.credentials = {{Credential::Kind::password, {}}};
       }},
  };
  return all;
}

class ShareKeyTest : public ::testing::TestWithParam<Change> {};

TEST_P(ShareKeyTest, EachAloneMakesAnotherTrunk) {
  Case changed = plain();
  GetParam().make(changed);
  EXPECT_NE(plain().access().key, changed.access().key);
  EXPECT_EQ(changed.access().key, changed.access().key);
}

INSTANTIATE_TEST_SUITE_P(All, ShareKeyTest, ::testing::ValuesIn(changes()),
                         [](const auto& change) { return std::string(change.param.name); });

TEST(ShareKey, IgnoresWhatIsNotStrength) {
  Case other = plain();
  other.client.id = ConnectionId{8};
  other.client.source.address = "10.1.1.1";
  other.client.fingerprint = "SHA256:another key of the same user";
  other.client.grant.line = 3;
  other.client.grant.comment = "laptop";
  other.client.password = nullptr;  // which the target has no use for
  EXPECT_EQ(plain().access().key, other.access().key);
}

TEST(ShareKey, ARenewedCertificateIsTheSameLogin) {
  Case one = plain();
  one.client.grant.certificate = CertificateIdentity{"alice", 1, "SHA256:ca"};
  Case renewed = one;
  renewed.client.grant.certificate->serial = 2;
  EXPECT_EQ(one.access().key, renewed.access().key);
}

// Random pairs: the keys are equal if and only if the same changes made them, but for whose connection it is.
TEST(ShareKey, RandomPairsShareOnlyWhenTheyAreAlike) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto build = [&](std::vector<std::size_t>& made) {
    Case one = plain();
    for (std::size_t i = 0; i < changes().size(); ++i) {
      if (random() % 12 != 0) continue;
      changes()[i].make(one);
      made.push_back(i);
    }
    one.client.id = ConnectionId{random() % 2 + 1};
    return one;
  };
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::size_t> a_made, b_made;
    const Case a = build(a_made);
    const Case b = build(b_made);
    const TrunkAccess one = a.access();
    const TrunkAccess two = b.access();
    const bool alike = a.target == b.target && a.client.user == b.client.user && a.client.method == b.client.method &&
                       a.client.mfa == b.client.mfa && a.client.grant == b.client.grant;
    if (one.key == two.key) {
      ASSERT_TRUE(alike);
    }
    const bool own = one.key.only_for || two.key.only_for;
    if (own && a.client.id != b.client.id) {
      ASSERT_NE(one.key, two.key);
    }
    if (alike && !own) {
      ASSERT_EQ(one.key, two.key);
    }
    // What only one client has goes along only on a trunk that is its own.
    if (one.client.password != nullptr || one.client.lends_agent) {
      ASSERT_EQ(one.key.only_for, a.client.id);
    }
  }
}

TEST(ShareKey, TypedPasswordsGoAlongOnlyWhereTheyAreWanted) {
  EXPECT_EQ(plain().access().client.password, nullptr);
  EXPECT_FALSE(plain().access().key.only_for);
  Case wants = plain();
  wants.target.credentials = {{Credential::Kind::password, {}}};
  EXPECT_NE(wants.access().client.password, nullptr);
  EXPECT_EQ(wants.access().key.only_for, ConnectionId{7});
  wants.client.password = nullptr;  // it came with a key: there is nothing that others could use
  EXPECT_FALSE(wants.access().key.only_for);
}

TEST(ShareKey, AHopIsTheClientsAloneOnlyForItsOwnLogin) {
  Case rider = plain();
  ResolvedTarget gate = plain().target;
  gate.name = "gate";
  rider.target.credentials = {{Credential::Kind::password, {}}};
  rider.target.via = ViaTarget(gate);
  EXPECT_EQ(rider.access().key.only_for, ConnectionId{7});
  const TrunkAccess shared = hop_access(rider.access(), gate);
  EXPECT_FALSE(shared.key.only_for);
  EXPECT_EQ(shared.client.password, nullptr);
  EXPECT_EQ(shared.key.authenticated_by, rider.access().key.authenticated_by);
  EXPECT_EQ(shared.key, trunk_access(rider.client, gate).key);

  gate.credentials = {{Credential::Kind::password, {}}};
  rider.target.credentials = plain().target.credentials;
  rider.target.via = ViaTarget(gate);
  EXPECT_EQ(rider.access().key.only_for, ConnectionId{7});  // the password has to come along
  const TrunkAccess own = hop_access(rider.access(), gate);
  EXPECT_EQ(own.key.only_for, ConnectionId{7});
  EXPECT_NE(own.client.password, nullptr);
}

}  // namespace
}  // namespace sallyport::mux
