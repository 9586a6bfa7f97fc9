#include "mux/admission/share_key.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "config/option_table.hpp"
#include "unit/changed.hpp"

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

// The members of what a key is made of. A member that is added doesn't compile until it stands here, and then is tried.
template <typename Visit>
void each_member(Certified& it, Visit visit) {
  auto& [key_id, authority] = it;
  visit(key_id), visit(authority);
}
template <typename Visit>
void each_member(Restrictions& it, Visit visit) {
  auto& [command, pty, agent, port, x11, user_rc, open, listen, environment, touch, verify] = it;
  visit(command), visit(pty), visit(agent), visit(port), visit(x11), visit(user_rc), visit(open), visit(listen);
  visit(environment), visit(touch), visit(verify);
}
template <typename Visit>
void each_member(Algorithms& it, Visit visit) {
  auto& [kex, ciphers, macs, host_keys, strict] = it;
  visit(kex), visit(ciphers), visit(macs), visit(host_keys), visit(strict);
}
template <typename Visit>
void each_member(LocalSettings& it, Visit visit) {
  auto& [user, shell, environment, accepted, subsystems, accounts, groups, umask, limits, chroot, no_new_privs, record] = it;
  visit(user), visit(shell), visit(environment), visit(accepted), visit(subsystems), visit(accounts), visit(groups);
  visit(umask), visit(limits), visit(chroot), visit(no_new_privs), visit(record);
}
template <typename Visit>
void each_member(Credential& it, Visit visit) {
  auto& [kind, value] = it;
  visit(kind), visit(value);
}
template <typename Visit>
void each_member(Options& it, Visit visit) {
  config::for_each_row(config::kOptions, [&](const auto& row) { visit(it.*row.value); });
}
template <typename Visit>
void each_member(ResolvedTarget& it, Visit visit) {
  auto& [name, kind, host, port, user, credentials, passphrase_file, signer, validity, principals, known_hosts, proxy_command,
         via, algorithms, legacy, local, options] = it;
  visit(name), visit(kind), visit(host), visit(port), visit(user), visit(credentials), visit(passphrase_file), visit(signer);
  visit(validity), visit(principals), visit(known_hosts), visit(proxy_command), visit(via), visit(legacy);
  each_member(credentials.at(0), visit);
  each_member(algorithms, visit);
  each_member(local, visit);
  each_member(options, visit);
}

/// Changes the member with that number and no other; how many there are.
template <typename T>
std::size_t change_one(T& it, std::size_t wanted) {
  std::size_t number = 0;
  each_member(it, [&](auto& member) {
    if (number++ == wanted) change(member);
  });
  return number;
}

struct Change {
  std::string name;
  std::function<void(Case&)> make;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

/// One for each member of the part that `part_of` gives.
template <typename PartOf>
void add_all(std::vector<Change>& all, const std::string& name, PartOf part_of) {
  Case sample = plain();
  const std::size_t count = change_one(part_of(sample), 0);
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({name + "_" + std::to_string(i), [part_of, i](Case& c) { change_one(part_of(c), i); }});
}

// Every one of these alone makes another trunk.
const std::vector<Change>& changes() {
  static const std::vector<Change> all = [] {
    std::vector<Change> list{
        {"user", [](Case& c) { c.client.user = "bob"; }},
        {"method", [](Case& c) { c.client.method = "publickey+keyboard-interactive"; }},
        {"mfa", [](Case& c) { c.client.mfa = true; }},
        {"certificate", [](Case& c) { c.client.grant.certificate.emplace(); }},
        {"lends_agent", [](Case& c) { c.lends.agent = true; }},
        {"lends_display", [](Case& c) { c.lends.display = true; }},
        {"password",
         [](Case& c) {
           c.target.credentials = {{Credential::Kind::password, {}}};
         }},
    };
    add_all(list, "certified", [](Case& c) -> Certified& {
      return c.client.grant.certificate ? *c.client.grant.certificate : c.client.grant.certificate.emplace();
    });
    add_all(list, "restriction", [](Case& c) -> Restrictions& { return c.client.grant; });
    add_all(list, "target", [](Case& c) -> ResolvedTarget& { return c.target; });
    return list;
  }();
  return all;
}

class ShareKeyTest : public ::testing::TestWithParam<Change> {};

TEST_P(ShareKeyTest, EachAloneMakesAnotherTrunk) {
  Case changed = plain();
  GetParam().make(changed);
  EXPECT_NE(plain().access().key, changed.access().key);
  EXPECT_EQ(changed.access().key, changed.access().key);
}

INSTANTIATE_TEST_SUITE_P(All, ShareKeyTest, ::testing::ValuesIn(changes()), [](const auto& change) { return change.param.name; });

TEST(ShareKey, CertificatesDifferByWhomTheySpeakOf) {
  Case one = plain();
  one.client.grant.certificate.emplace();
  Certified& certified = *one.client.grant.certificate;
  for (std::size_t i = 0; i < change_one(certified, i); ++i) {
    Case other = one;
    change_one<Certified>(*other.client.grant.certificate, i);
    EXPECT_NE(one.access().key, other.access().key) << i;
  }
}

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
  one.client.grant.certificate = CertificateIdentity{{"alice", "SHA256:ca"}, 1};
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
  rider.target.via = SharedTarget(gate);
  EXPECT_EQ(rider.access().key.only_for, ConnectionId{7});
  const TrunkAccess shared = hop_access(rider.access());
  EXPECT_FALSE(shared.key.only_for);
  EXPECT_EQ(shared.client.password, nullptr);
  EXPECT_EQ(shared.key.authenticated_by, rider.access().key.authenticated_by);
  EXPECT_EQ(shared.key, trunk_access(rider.client, gate).key);

  gate.credentials = {{Credential::Kind::password, {}}};
  rider.target.credentials = plain().target.credentials;
  rider.target.via = SharedTarget(gate);
  EXPECT_EQ(rider.access().key.only_for, ConnectionId{7});  // the password has to come along
  const TrunkAccess own = hop_access(rider.access());
  EXPECT_EQ(own.key.only_for, ConnectionId{7});
  EXPECT_NE(own.client.password, nullptr);
}

}  // namespace
}  // namespace sallyport::mux
