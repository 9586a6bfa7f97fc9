// All that a login works with, in memory: its client, the machine's users and the hub are the test's.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entry/admitter.hpp"
#include "entry/login.hpp"
#include "fakes/fake_clock.hpp"
#include "fakes/fake_connector.hpp"
#include "fakes/fake_identities.hpp"
#include "fakes/fake_launcher.hpp"
#include "fakes/fake_streams.hpp"
#include "fakes/fake_userauth.hpp"
#include "fakes/memory_logger.hpp"
#include "fakes/memory_transport.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/recording_trail.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"
#include "mux/downstream/hub.hpp"
#include "net/loop/loop.hpp"

namespace sallyport::entry {

using namespace fakes;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

/// The local target `shell`, and a route to it for alice and bob. Methods as given.
Config entrance_config(std::vector<std::string> methods = {"publickey"});

/// Requests of a client's.
UserauthRequest request_of(std::string method, std::string user = "alice");
UserauthRequest offer_of(const std::string& key, std::string user = "alice");
UserauthRequest signed_by(const std::string& key, std::string user = "alice");
UserauthRequest password_of(const std::string& password, std::string user = "alice");

class Entrance {
 public:
  explicit Entrance(Config config = entrance_config());
  ~Entrance();
  /// Another configuration comes into force.
  void reload(Config config);
  LoginContext context();
  /// What has happened on a later turn of the loop.
  void free_retired() { loop.free_all_retired(); }
  /// The last line of the log that holds `part`, without its level; empty when there is none.
  std::string line_with(std::string_view part) const;

  FakeClock clock;
  MemoryLogger log;
  RecordingTrail audit;
  log::Records records{log, audit, clock};
  journal::LogAndTrail log_and_trail{records};
  journal::FactJournal of_logins{{&log_and_trail}};
  RecordingJournal of_hub;
  FakeConnector connector;
  FakeLauncher launcher;
  FakeStreams streams;
  net::Loop loop;
  FakeIdentities identities;
  FakeUserauth userauth;
  std::deque<MemoryPeer> peers;  // of clients that are let in without a login; the hub has their transports
  mux::Hub hub{clock, of_hub, connector, launcher, streams, {}};
  Admitter admitter{loop, clock, hub, of_logins};
  std::shared_ptr<const Config> config;
};

/// One login, of which the test is the owner.
class LoginTest : public ::testing::Test, public Entrance, private LoginEvents {
 protected:
  using Entrance::Entrance;
  /// The login of a client from 192.0.2.1.
  void begin() { begin({ConnectionId{1}, {"192.0.2.1", 50000}, {"192.0.2.9", 22}, {}, "192.0.2.1/32"}); }
  void begin(Login::Client client);
  FakeUserauth::Client& client() { return userauth.clients.back(); }
  FakeIdentities::Check& check() { return identities.checks.back(); }
  /// Passes one method, as the machine's users would: "publickey", "password", "keyboard-interactive" or, with a code, "code".
  void pass(const std::string& method);
  /// What the hub has of the client.
  const mux::Admission* admitted() const { return hub.client(ConnectionId{1}); }

  std::unique_ptr<Login> login;
  Lines ends;  ///< what the owner has been told

 private:
  void on_login(Login& ended) override { ends.push_back("login " + std::to_string(number(ended.id()))); }
  void on_login_failed(Login&, auth::Offence offence) override { ends.emplace_back(auth::to_string(offence)); }
};

}  // namespace sallyport::entry
