// What one client asks of one target takes effect there in the order in which it was asked, on whatever trunks it goes.
#include <deque>
#include <map>
#include <random>
#include <set>

#include "mux/client/wish_order.hpp"
#include "wire/forwards.hpp"
#include "world.hpp"

namespace sallyport::mux {
namespace {

using wire::MessageType;

Config ordered_config() {
  Config config = world_config();
  config.defaults.remote_forwarding = {"localhost:*", "/tmp/*.sock"};
  config.defaults.local_forwarding = {"*"};
  config.defaults.keepalive_interval = Duration::zero();
  config.defaults.connect_timeout = seconds(60);
  config.defaults.channels_per_trunk = 1;  // and ten forwarded connections
  config.targets["shell"].options.jump = Jump::direct;
  return config;
}

Bytes listen_message(std::uint32_t port) {
  return wire::build_global_request(wire::kTcpipForward, true, wire::build_tcpip_forward("localhost", port));
}
Bytes cancel_message(std::uint32_t port) {
  return wire::build_global_request(wire::kCancelTcpipForward, true, wire::build_tcpip_forward("localhost", port));
}

/// A target that does what it is asked, over as many connections as there are; each is read whenever the test wants it.
class ModelTarget {
 public:
  explicit ModelTarget(World& world) : world_(world) {}

  /// Lets the logins that are under way succeed.
  void connect() {
    for (; dialled_ < world_.connector.dials.size(); ++dialled_)
      if (world_.connector.dials[dialled_].events != nullptr) world_.connector.succeed(dialled_);
  }
  std::size_t connections() const { return dialled_; }
  /// Reads one message of that connection. False when there is none.
  bool read(std::size_t index) {
    MemoryPeer& server = world_.connector.dials[index].server;
    std::deque<Bytes>& inbox = inboxes_[index];
    for (Bytes& message : server.take()) inbox.push_back(std::move(message));
    if (inbox.empty()) {
      server.finish_disconnect();  // if it has been said goodbye to
      return false;
    }
    const Bytes message = std::move(inbox.front());
    inbox.pop_front();
    handle(server, message);
    return true;
  }
  void read_all() {
    for (bool more = true; more;) {
      more = false;
      for (std::size_t index = 0; index < dialled_; ++index) more |= read(index);
    }
  }

  Lines effects;                        ///< in the order in which they came about
  std::set<std::uint32_t> unreachable;  ///< ports whose open is never answered
  bool answers_programs = true;

 private:
  void handle(MemoryPeer& server, const Bytes& message) {
    switch (static_cast<MessageType>(message[0])) {
      case MessageType::channel_open: {
        const auto open = *wire::parse_channel_open(message);
        const std::uint32_t number_of_ours = number(open.sender);
        if (open.type == wire::kDirectTcpip) {
          const std::uint32_t port = wire::parse_direct_tcpip(open.rest)->port;
          effects.push_back("connect " + std::to_string(port));
          if (unreachable.contains(port)) return;
        }
        return server.deliver(confirm_message(number_of_ours, number_of_ours, 100000));
      }
      case MessageType::channel_request: {
        const auto request = *wire::parse_channel_request(message);
        if (request.type == "exec")
          effects.push_back("exec " + std::get<wire::Exec>(*wire::parse_session_request("exec", request.rest)).command);
        if (request.want_reply && answers_programs) server.deliver(success_message(number(request.recipient)));
        return;
      }
      case MessageType::channel_close: return server.deliver(close_message(number(*wire::parse_channel_only(message))));
      case MessageType::global_request: {
        const auto request = *wire::parse_global_request(message);
        if (request.name == wire::kTcpipForward || request.name == wire::kCancelTcpipForward) {
          const bool begins = request.name == wire::kTcpipForward;
          effects.push_back((begins ? "listen " : "cancel ") + std::to_string(wire::parse_tcpip_forward(request.rest)->port));
        }
        if (request.want_reply) server.deliver(type_only(MessageType::request_success));
        return;
      }
      default: return;
    }
  }

  World& world_;
  std::size_t dialled_ = 0;
  std::map<std::size_t, std::deque<Bytes>> inboxes_;
};

/// A client, and all that it has asked for.
class OrderWorld {
 public:
  explicit OrderWorld(const Config& config = ordered_config()) : world(config), target(world), client(world.connect()) {}

  void exec() {
    const std::uint32_t sender = next_++;
    client.deliver(open_message(sender, 100000));
    for (const std::string& line : world.take(client))
      if (line.starts_with("CONFIRM " + std::to_string(sender) + " from="))
        ours[sender] = static_cast<std::uint32_t>(std::stoul(line.substr(line.find('=') + 1)));
    client.deliver(exec_message(ours.at(sender), std::to_string(sender)));
    asked.push_back("exec " + std::to_string(sender));
  }
  void connect() {
    const std::uint32_t port = next_++;
    client.deliver(direct_tcpip_message(port, 100000, "localhost", port));
    asked.push_back("connect " + std::to_string(port));
  }
  void listen() {
    ports.push_back(next_++);
    client.deliver(listen_message(ports.back()));
    asked.push_back("listen " + std::to_string(ports.back()));
  }
  void cancel() {
    if (ports.empty()) return listen();
    const std::uint32_t port = ports.back();
    ports.pop_back();
    client.deliver(cancel_message(port));
    asked.push_back("cancel " + std::to_string(port));
  }
  void ask(unsigned kind) {
    switch (kind % 4) {
      case 0: return exec();
      case 1: return connect();
      case 2: return listen();
      default: return cancel();
    }
  }
  /// Everything comes to rest.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      target.connect();
      target.read_all();
      world.clock.turn();
    }
  }

  World world;
  ModelTarget target;
  MemoryPeer& client;
  Lines asked;
  std::vector<std::uint32_t> ports;             // that are listened on
  std::map<std::uint32_t, std::uint32_t> ours;  // the hub's number of a session, by the client's

 private:
  std::uint32_t next_ = 1;
};

TEST(WishOrderTest, EachPairInOneWriteOnAFreshAConnectingAndAReadyTrunk) {
  for (unsigned first = 0; first < 4; ++first) {
    for (unsigned second = 0; second < 4; ++second) {
      for (const bool ready : {false, true}) {
        OrderWorld world;
        if (ready) {
          world.connect();
          world.settle();
        }
        world.ask(first);
        world.ask(second);
        world.settle();
        EXPECT_EQ(world.target.effects, world.asked) << first << " " << second << " " << ready;
      }
    }
  }
}

TEST(WishOrderTest, WhatIsCancelledBeforeTheTargetHasAnsweredIsListenedOnFirst) {
  OrderWorld world;
  world.listen();
  world.cancel();
  world.settle();
  EXPECT_EQ(world.target.effects, world.asked);
  EXPECT_THAT(world.world.take(world.client), ElementsAre("GLOBAL-SUCCESS", "GLOBAL-SUCCESS"));
  EXPECT_THAT(world.world.forwards(), IsEmpty());
}

TEST(WishOrderTest, AnotherTrunkWaitsUntilTheFirstHasReadWhatWasSentBefore) {
  OrderWorld world;
  world.exec();
  world.settle();
  world.exec();  // for which the first trunk has no room
  world.settle();
  ASSERT_EQ(world.target.connections(), 2u);
  for (int i = 0; i < 8; ++i) world.connect();  // on both
  world.settle();
  world.target.unreachable = {11};
  world.connect();  // 11, which nobody answers
  for (int i = 0; i < 20; ++i) world.connect();
  world.world.clock.turn();
  // The second trunk is read first; it has nothing that comes behind what the first one hasn't read.
  while (world.target.read(1)) world.world.clock.turn();
  world.settle();
  EXPECT_EQ(world.target.effects, world.asked);
}

TEST(WishOrderTest, ATargetThatNeverAnswersTheQuestionHoldsNobodyUpForLong) {
  OrderWorld world;
  world.exec();
  world.settle();
  world.target.answers_programs = false;
  // The next session needs a trunk of its own, and so does the one behind it.
  world.exec();
  world.settle();
  world.exec();
  world.target.connect();
  for (int i = 0; i < 5; ++i) {
    while (world.target.read(2)) {
    }
    world.world.clock.turn();
  }
  EXPECT_EQ(world.target.effects, (Lines{"exec 1", "exec 2"})) << "trunk 2 hasn't answered";
  world.world.clock.advance(WishOrder::kFenceTime);
  world.world.clock.turn();
  while (world.target.read(2)) {
  }
  EXPECT_EQ(world.target.effects, world.asked);
}

TEST(WishOrderTest, OneThatComesToNothingMakesWay) {
  OrderWorld world;
  world.listen();
  world.exec();
  world.connect();
  world.world.connector.fail(0, "target web1 can't be reached");
  world.world.clock.turn();
  EXPECT_THAT(world.world.take(world.client), ::testing::Contains("GLOBAL-FAILURE"));
  world.settle();
  // The session waited for the same login; what comes behind them makes another one.
  EXPECT_EQ(world.target.effects, (Lines{"connect 3"}));
}

TEST(WishOrderTest, ProgramsAndConnectionsOnTheBastionKeepTheirOrder) {
  World world(ordered_config());
  MemoryPeer& client = world.connect("alice", "shell");
  client.deliver(open_message(1, 100000));
  client.deliver(exec_message(0, "first"));
  client.deliver(open_message(2, 100000));
  client.deliver(exec_message(1, "second"));
  client.deliver(direct_tcpip_message(3, 1000, "localhost", 80));
  world.clock.turn();
  ASSERT_EQ(world.launcher.programs.size(), 1u) << "the first one hasn't started";
  EXPECT_THAT(world.streams.sockets, IsEmpty());
  world.launcher.programs[0].events->on_started();
  world.clock.turn();
  ASSERT_EQ(world.launcher.programs.size(), 2u);
  EXPECT_THAT(world.streams.sockets, IsEmpty());
  world.launcher.programs[1].events->on_failed({Errc::io, "no such program"});
  world.clock.turn();
  EXPECT_EQ(world.streams.sockets.size(), 1u);
}

/// Wishes of all kinds at any moment, on trunks that connect, overflow, drain and are read whenever chance wants it.
void run_by_chance(unsigned seed) {
  std::mt19937 random(seed);
  const auto chance = [&random](unsigned percent) { return random() % 100 < percent; };
  Config config = ordered_config();
  config.defaults.channels_per_trunk = 1 + random() % 3;
  if (chance(50)) config.defaults.max_age = std::chrono::milliseconds(5 + random() % 40);
  OrderWorld world(config);
  std::vector<std::uint32_t> running;
  for (int step = 0; step < 60; ++step) {
    if (chance(40)) world.ask(static_cast<unsigned>(random()));
    if (chance(30)) world.target.connect();
    if (world.target.connections() > 0 && chance(70)) world.target.read(random() % world.target.connections());
    if (chance(10)) {
      // A client that has had enough of a session, which may be waiting still: then it never comes about.
      for (const auto& [sender, ours] : world.ours) running.push_back(ours);
      if (!running.empty()) world.client.deliver(close_message(running[random() % running.size()]));
      for (const std::string& line : world.world.take(world.client)) {
        if (!line.starts_with("CLOSE ")) continue;
        world.ours.erase(static_cast<std::uint32_t>(std::stoul(line.substr(6))));
      }
      running.clear();
    }
    if (chance(50)) world.world.clock.advance(Duration(random() % 4));
  }
  world.settle();
  // In its order; some were withdrawn.
  std::size_t next = 0;
  for (const std::string& effect : world.target.effects) {
    const auto place = std::find(world.asked.begin() + static_cast<std::ptrdiff_t>(next), world.asked.end(), effect);
    ASSERT_NE(place, world.asked.end()) << effect << " came too late, or never was asked for; seed " << seed << "\n"
                                        << ::testing::PrintToString(world.asked) << "\n"
                                        << ::testing::PrintToString(world.target.effects);
    next = static_cast<std::size_t>(place - world.asked.begin()) + 1;
  }
  for (const std::string& wish : world.asked) {
    if (wish.starts_with("exec")) continue;
    ASSERT_THAT(world.target.effects, ::testing::Contains(wish)) << "seed " << seed;
  }
}

TEST(WishOrderTest, RandomSequencesTakeEffectInTheirOrder) {
  for (unsigned seed = 1; seed <= 3000 && !::testing::Test::HasFatalFailure(); ++seed) run_by_chance(seed);
}

}  // namespace
}  // namespace sallyport::mux
