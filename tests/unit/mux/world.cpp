#include "world.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

namespace sallyport::mux {

Config world_config() {
  Config config;
  for (const char* name : {"web1", "web2"}) {
    Target target;
    target.name = name;
    target.host = std::string(name) + ".example";
    target.credentials = {Credential{Credential::Kind::key_file, "key"}};
    target.known_hosts = "known_hosts";
    config.targets[name] = target;
  }
  Target shell;
  shell.name = "shell";
  shell.kind = TargetKind::local;
  shell.local.accept_environment = {"LANG", "LC_*"};
  shell.local.subsystems["sftp"] = {"/usr/lib/sftp-server"};
  config.targets["shell"] = shell;
  for (const auto& [name, target] : config.targets) {
    Route route;
    route.name = "to " + name;
    route.targets = std::vector<std::string>{name};
    route.to = name;
    ChannelRule denied;
    denied.requests = {"exec"};
    denied.command = "deny*";
    denied.deny = "not here";
    ChannelRule local;
    local.requests = {"exec"};
    local.command = "local*";
    local.to = "shell";
    route.channels = {denied, local};
    config.routes.push_back(route);
  }
  return config;
}

World::World(Config values, HubSettings settings)
    : config(std::make_shared<const Config>(std::move(values))), hub(clock, journal, connector, launcher, streams, settings) {}

Admission World::admission(std::string_view user, std::string_view target) {
  Admission client;
  client.id = ConnectionId{++last_connection_};
  client.user = user;
  client.asked_target = target;
  client.source = {"192.0.2.1", 50000};
  client.local = {"192.0.2.9", 22};
  client.method = "publickey";
  auto decision = route::Router(config).route({std::string(user), std::string(target), "192.0.2.1"});
  if (decision) {
    client.decision = *decision;
  } else {
    client.refusal = decision.error().detail;
  }
  return client;
}

MemoryPeer& World::connect(std::string_view user, std::string_view target, KeepaliveSettings keepalive) {
  return connect(admission(user, target), keepalive);
}

MemoryPeer& World::connect(Admission client, KeepaliveSettings keepalive) {
  MemoryPeer& peer = clients.emplace_back();
  hub.admit(std::move(client), peer.transport(), keepalive);
  return peer;
}

namespace {

/// The answer to what `ask` asks for with the function that it is given.
template <typename Answer, typename Ask>
Answer answer_of(Ask ask) {
  std::optional<Answer> answer;
  ask([&answer](Answer given) { answer.emplace(std::move(given)); });
  if (!answer) throw std::logic_error("the hub answers later");
  return *std::move(answer);
}

/// The rows of one kind, of which there must be as many as are counted.
template <typename Row>
std::vector<Row> rows_of(Hub& hub, void (Connections::*kind)(Connections::Done<std::vector<Row>>), std::size_t count) {
  auto rows = answer_of<std::vector<Row>>([&](auto done) { (static_cast<Connections&>(hub).*kind)(std::move(done)); });
  EXPECT_EQ(rows.size(), count) << "counts and rows differ";
  return rows;
}

}  // namespace

std::vector<ConnectionRow> World::connections() { return rows_of(hub, &Connections::connections, counts().connections); }

std::vector<ChannelRow> World::channels() { return rows_of(hub, &Connections::channels, counts().channels); }

std::vector<TrunkRow> World::trunks() { return rows_of(hub, &Connections::trunks, counts().trunks); }

std::vector<ForwardRow> World::forwards() { return rows_of(hub, &Connections::forwards, counts().forwards); }

OpenCounts World::counts() {
  return answer_of<OpenCounts>([this](auto done) { hub.counts(std::move(done)); });
}

Result<> World::end_connection(ConnectionId id, std::string_view reason) {
  return answer_of<Result<>>([&](auto done) { hub.end_connection(id, reason, std::move(done)); });
}

Result<std::size_t> World::end_connections_of(std::string_view user, std::string_view reason) {
  return answer_of<Result<std::size_t>>([&](auto done) { hub.end_connections_of(user, reason, std::move(done)); });
}

Result<> World::end_channel(ChannelId id, std::string_view reason) {
  return answer_of<Result<>>([&](auto done) { hub.end_channel(id, reason, std::move(done)); });
}

Result<std::size_t> World::stop_trunks(const TrunkSelection& which, std::string_view reason) {
  return answer_of<Result<std::size_t>>([&](auto done) { hub.stop_trunks(which, reason, std::move(done)); });
}

Result<std::size_t> World::end_trunks(const TrunkSelection& which, std::string_view reason) {
  return answer_of<Result<std::size_t>>([&](auto done) { hub.end_trunks(which, reason, std::move(done)); });
}

Result<std::size_t> World::renew_trunks(const TrunkSelection& which, std::string_view reason) {
  return answer_of<Result<std::size_t>>([&](auto done) { hub.renew_trunks(which, reason, std::move(done)); });
}

void WorldTest::TearDown() {
  static_cast<void>(connections());
  static_cast<void>(channels());
  static_cast<void>(trunks());
  static_cast<void>(forwards());
}

void World::exec(MemoryPeer& client, std::uint32_t sender, std::string_view command, std::uint32_t window, std::uint32_t ours) {
  client.deliver(open_message(sender, window));
  ASSERT_THAT(take(client), ElementsAre("CONFIRM " + std::to_string(sender) + " from=" + std::to_string(ours) + " window=0"));
  client.deliver(exec_message(ours, command));
}

RelayTest::RelayTest(std::uint32_t client_window, std::uint32_t server_window) {
  client = &connect();
  exec(*client, 7, "true", client_window);
  server = &connector.succeed(0);
  server->take();
  server->deliver(confirm_message(0, 40, server_window));
  EXPECT_THAT(take(*server), ElementsAre("REQUEST 40 exec? true"));
  server->deliver(success_message(0));
  client->take();
}

std::size_t RelayTest::widen() {
  client->round_trip = minutes(1);
  widen(*client, "ADJUST 7 ", *server);
  const std::size_t left = widen(*server, "ADJUST 40 ", *client);
  client->round_trip = {};
  clock.advance(seconds(5));
  client->take();
  server->take();
  return left;
}

std::size_t RelayTest::widen(MemoryPeer& from, std::string_view grants, MemoryPeer& to) {
  const std::string packet(Channel::kMaximumPacket, 'w');
  std::size_t credit = FlowCredit::kFloorAlone;
  for (int i = 0; i < 200; ++i) {
    clock.advance(std::chrono::milliseconds(1));
    from.deliver(data_message(0, packet));
    to.deliver(adjust_message(0, static_cast<std::uint32_t>(packet.size())));
    EXPECT_GE(credit, packet.size());
    credit -= packet.size();
    for (const std::string& line : take(from))
      if (line.starts_with(grants)) credit += std::stoul(line.substr(grants.size()));
  }
  return credit;
}

}  // namespace sallyport::mux
