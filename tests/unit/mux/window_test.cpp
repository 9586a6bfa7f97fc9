// Windows of sessions, with and without a dialog in front: nobody is sent more than what it takes, and nothing is lost.
#include "mux/flow/window.hpp"

#include <cstdint>
#include <limits>
#include <random>

#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

TEST(Window, NeitherUnderflowsNorOverflows) {
  Window window(10);
  EXPECT_FALSE(window.take(11));
  EXPECT_FALSE(window.take(std::size_t{kMost} + 1));
  EXPECT_EQ(window.bytes(), 10u);
  EXPECT_TRUE(window.take(10));
  EXPECT_TRUE(window.take(0));
  EXPECT_TRUE(window.add(kMost));
  EXPECT_FALSE(window.add(1));
  EXPECT_EQ(window.bytes(), kMost);
}

/// One end of a session as its peer sees it, which holds the daemon to the windows and keeps to them itself.
struct End {
  std::uint32_t number = 0;  // what the daemon calls it
  std::uint64_t takes = 0;   // the daemon may still send so much
  std::uint64_t granted = 0;
  std::string got;
  std::string sent;
  bool overrun = false;

  void read(ByteView message) {
    switch (static_cast<wire::MessageType>(message[0])) {
      case wire::MessageType::channel_data: return took(text_of(wire::parse_channel_data(message)->data));
      case wire::MessageType::channel_extended_data: return took(text_of(wire::parse_channel_extended_data(message)->data));
      case wire::MessageType::channel_window_adjust: granted += wire::parse_channel_window_adjust(message)->bytes; return;
      default: return;
    }
  }
  void took(std::string_view data) {
    overrun = overrun || data.size() > takes;
    takes -= std::min<std::uint64_t>(takes, data.size());
    got += data;
  }
};

class SessionWindows {
 public:
  explicit SessionWindows(std::uint32_t seed) : random{seed} {}
  void run();

 private:
  static Config config() {
    Config config = world_config();
    config.targets.at("web1").credentials = {{Credential::Kind::keyboard_interactive, {}}};
    return config;
  }
  std::uint32_t up_to(std::uint32_t most) { return std::uniform_int_distribution<std::uint32_t>(0, most)(random); }
  /// Small ones more often than large ones.
  std::uint32_t some_window() { return up_to(1U << up_to(17)); }

  void read_all() {
    for (const Bytes& message : client_peer->take()) client.read(message);
    if (server_peer == nullptr) return;
    for (const Bytes& message : server_peer->take()) {
      if (static_cast<wire::MessageType>(message[0]) == wire::MessageType::channel_open)
        server.granted = wire::parse_channel_open(message)->initial_window;
      server.read(message);
    }
  }
  void consume(MemoryPeer& peer, End& end) {
    const std::uint32_t bytes = 1 + some_window();
    end.takes += bytes;
    peer.deliver(adjust_message(end.number, bytes));
    read_all();
  }
  void send(MemoryPeer& peer, End& end) {
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(end.granted, up_to(Channel::kMaximumPacket)));
    if (size == 0) return;
    const std::string text(size, static_cast<char>('a' + up_to(25)));
    end.granted -= size;
    end.sent += text;
    peer.deliver(up_to(3) == 0 && &end == &server ? stderr_message(end.number, text) : data_message(end.number, text));
    read_all();
  }
  /// The target asks, and the person answers all of it or a part.
  void talk() {
    UpstreamQuestion question{"", std::string(up_to(3000), 'i'), {}};
    for (std::uint32_t i = up_to(3); i > 0; --i)
      question.prompts.push_back({std::string(up_to(3000), 'p') + ": ", up_to(1) == 0});
    world.connector.ask(0, question);
    read_all();
    const std::uint32_t keys = up_to(30);
    for (std::uint32_t i = 0; i < keys; ++i) {
      if (up_to(2) == 0) consume(*client_peer, client);
      if (client.granted == 0) continue;
      --client.granted;
      client_peer->deliver(data_message(client.number, up_to(4) == 0 ? "\r" : "k"));
      read_all();
    }
  }

  std::mt19937 random;
  World world{config()};
  MemoryPeer* client_peer = nullptr;
  MemoryPeer* server_peer = nullptr;
  End client;
  End server;
};

void SessionWindows::run() {
  client_peer = &world.connect();
  client.takes = some_window();
  client_peer->deliver(open_message(7, static_cast<std::uint32_t>(client.takes)));
  const bool pty = up_to(4) != 0;
  if (pty) client_peer->deliver(pty_message(0, "xterm", true));
  client_peer->deliver(exec_message(0, "true"));
  for (std::uint32_t i = pty ? up_to(3) : 0; i > 0; --i) talk();
  // A byte that the client was let type for a question is that question's, answered or not.
  const std::uint64_t strays = client.granted;
  client.got.clear();
  server_peer = &world.connector.succeed(0);
  read_all();
  if (up_to(1) == 0) consume(*client_peer, client);
  server.takes = some_window();
  server_peer->deliver(confirm_message(0, 40, static_cast<std::uint32_t>(server.takes)));
  server_peer->deliver(success_message(0));
  read_all();
  client.got.clear();
  for (int i = 0; i < 100; ++i) {
    switch (up_to(3)) {
      case 0: consume(*client_peer, client); break;
      case 1: consume(*server_peer, server); break;
      case 2: send(*client_peer, client); break;
      default: send(*server_peer, server); break;
    }
    ASSERT_FALSE(client.overrun);
    ASSERT_FALSE(server.overrun);
    ASSERT_FALSE(client_peer->disconnected());
    ASSERT_FALSE(server_peer->disconnected());
  }
  EXPECT_EQ(client.got, server.sent);
  EXPECT_EQ(server.got, client.sent.substr(std::min<std::size_t>(client.sent.size(), strays)));
  EXPECT_LE(client.granted, server.takes + strays);
  EXPECT_LE(server.granted, client.takes);
}

// One test and not a thousand: each would be a process of its own.
TEST(SessionWindowsTest, AreKept) {
  for (std::uint32_t seed = 0; seed < 1000 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SessionWindows(seed).run();
  }
}

}  // namespace
}  // namespace sallyport::mux
