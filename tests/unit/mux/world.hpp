// A hub between clients and servers that a test plays, with a configuration of one target and a bastion shell.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_clock.hpp"
#include "fakes/fake_connector.hpp"
#include "fakes/fake_launcher.hpp"
#include "fakes/fake_streams.hpp"
#include "fakes/memory_transport.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/ssh_messages.hpp"
#include "mux/downstream/hub.hpp"

namespace sallyport::mux {

using namespace fakes;
using Lines = std::vector<std::string>;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The targets `web1` and `web2` (ssh) and `shell` (local), and a route to each of them of that name.
/// On all of them, the command `deny…` is denied, and `local…` goes to `shell`.
Config world_config();

class World {
 public:
  explicit World(Config config = world_config(), HubSettings settings = {});

  /// A client that has logged in. Its connection sends no keepalives unless told to.
  MemoryPeer& connect(std::string_view user = "alice", std::string_view target = "web1",
                      KeepaliveSettings keepalive = {Duration::zero(), 3});
  MemoryPeer& connect(Admission client, KeepaliveSettings keepalive = {Duration::zero(), 3});
  /// What a login as `user` for `target` comes to.
  Admission admission(std::string_view user, std::string_view target);
  Lines take(MemoryPeer& peer) { return describe(peer.take()); }
  /// What the hub answers, which it does inside the call. There are as many rows as counts() says.
  std::vector<ConnectionRow> connections();
  std::vector<ChannelRow> channels();
  std::vector<TrunkRow> trunks();
  std::vector<ForwardRow> forwards();
  OpenCounts counts();
  Result<> end_connection(ConnectionId id, std::string_view reason);
  Result<std::size_t> end_connections_of(std::string_view user, std::string_view reason);
  Result<> end_channel(ChannelId id, std::string_view reason);
  Result<std::size_t> stop_trunks(const TrunkSelection& which, std::string_view reason);
  Result<std::size_t> end_trunks(const TrunkSelection& which, std::string_view reason);
  Result<std::size_t> renew_trunks(const TrunkSelection& which, std::string_view reason);

  /// Opens a session with `sender` as the client's number and asks for the command; swallows the confirmation.
  void exec(MemoryPeer& client, std::uint32_t sender, std::string_view command = "true", std::uint32_t window = 100000,
            std::uint32_t ours = 0);

  FakeClock clock;
  RecordingJournal journal;
  FakeConnector connector;
  FakeLauncher launcher;
  FakeStreams streams;
  std::shared_ptr<const Config> config;
  std::deque<MemoryPeer> clients;
  Hub hub;

 private:
  std::uint64_t last_connection_ = 0;
};

/// After each test there are as many rows of each kind as are counted.
class WorldTest : public ::testing::Test, public World {
 protected:
  using World::World;
  void TearDown() override;
};

/// One client with one relayed `exec`: the client's number of the channel is 7 (the hub's 0), the server's is 40 (the
/// hub's 0). Everything up to the reply has been swallowed.
class RelayTest : public WorldTest {
 protected:
  explicit RelayTest(std::uint32_t client_window = 100000, std::uint32_t server_window = 100000);
  /// Moves data both ways over lines that are called long, until each side may send far ahead. Returns what the server
  /// may still send.
  std::size_t widen();
  MemoryPeer* client = nullptr;
  MemoryPeer* server = nullptr;

 private:
  /// One direction of it: `from` sends on the hub's channel 0, and is granted more on its own number; `to` consumes.
  std::size_t widen(MemoryPeer& from, std::string_view grants, MemoryPeer& to);
};

}  // namespace sallyport::mux
