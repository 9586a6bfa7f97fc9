// Ten thousand changes of trunks at max_age, with sessions that begin at any moment: each must succeed.
#include <map>
#include <random>
#include <set>

#include "world.hpp"

namespace sallyport::mux {
namespace {

constexpr Duration kMaxAge = std::chrono::milliseconds(100);
constexpr std::size_t kRollOvers = 10'000;

Config short_lived() {
  Config config = world_config();
  config.defaults.max_age = kMaxAge;
  config.defaults.keepalive_interval = Duration::zero();
  config.defaults.channels_per_trunk = 3;
  config.defaults.connect_timeout = seconds(5);
  return config;
}

struct Words {
  explicit Words(const std::string& line) {
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end + 1;
    }
  }
  std::uint32_t number(std::size_t index) const {
    const std::string& word = words.at(index);
    const std::size_t equals = word.find('=');
    return static_cast<std::uint32_t>(std::stoul(equals == std::string::npos ? word : word.substr(equals + 1)));
  }
  const std::string& operator[](std::size_t index) const { return words.at(index); }
  std::vector<std::string> words;
};

/// Clients that open sessions, and servers that answer, each whenever chance wants it.
class RollOverTest : public WorldTest {
 protected:
  RollOverTest() : WorldTest(short_lived()) {}

  bool chance(unsigned percent) { return random_() % 100 < percent; }

  void open_session() {
    const std::uint32_t sender = next_sender_++;
    sessions_[sender] = {};
    client_->deliver(open_message(sender, 1000));
  }

  void hear_client() {
    for (Lines lines = take(*client_); !lines.empty() && !HasFailure(); lines = take(*client_))
      for (const std::string& line : lines) hear(Words(line));
  }

  void hear(const Words& words) {
    const std::uint32_t sender = words.number(1);
    Session& session = sessions_.at(sender);
    if (words[0] == "STDERR" || words[0] == "REFUSE" || words[0] == "FAILURE") {
      ADD_FAILURE() << ::testing::PrintToString(words.words);
    } else if (words[0] == "CONFIRM") {
      session.ours = words.number(2);
      client_->deliver(exec_message(session.ours, "true"));
    } else if (words[0] == "SUCCESS") {
      session.started = true;
    } else if (words[0] == "CLOSE") {
      EXPECT_TRUE(session.started);
      client_->deliver(close_message(session.ours));
      sessions_.erase(sender);
      ++succeeded_;
    }
  }

  /// Connects what waits for it, answers opens and ends programs.
  void serve() {
    for (; next_dial_ < connector.dials.size(); ++next_dial_) dialling_.insert(next_dial_);
    for (const std::size_t index : std::set<std::size_t>(dialling_)) {
      if (!chance(60)) continue;
      dialling_.erase(index);
      connector.succeed(index);
      servers_.insert(index);
    }
    for (const std::size_t index : std::set<std::size_t>(servers_)) serve(index);
  }

  void serve(std::size_t index) {
    MemoryPeer& server = connector.dials[index].server;
    for (const std::string& line : take(server)) {
      const Words words(line);
      if (words[0] == "OPEN") opening_[index].push_back(words.number(2));
      if (words[0] == "REQUEST") {
        server.deliver(success_message(words.number(1)));
        running_[index].push_back(words.number(1));
      }
    }
    // The server's numbers are the hub's, so that no table is needed.
    for (const std::uint32_t number : std::exchange(opening_[index], {})) {
      if (chance(70)) {
        server.deliver(confirm_message(number, number, 1000));
      } else {
        opening_[index].push_back(number);
      }
    }
    for (const std::uint32_t number : std::exchange(running_[index], {})) {
      if (chance(40)) {
        server.deliver(exit_status_message(number, 0));
        server.deliver(close_message(number));
      } else {
        running_[index].push_back(number);
      }
    }
    if (!server.disconnected()) return;
    EXPECT_TRUE(opening_[index].empty() && running_[index].empty()) << "it had channels";
    server.finish_disconnect();
    servers_.erase(index);
    ++rolled_over_;
  }

  struct Session {
    std::uint32_t ours = 0;
    bool started = false;
  };
  std::mt19937 random_{20261121};
  MemoryPeer* client_ = nullptr;
  std::map<std::uint32_t, Session> sessions_;
  std::uint32_t next_sender_ = 0;
  std::size_t next_dial_ = 0;
  std::set<std::size_t> dialling_;
  std::set<std::size_t> servers_;
  std::map<std::size_t, std::vector<std::uint32_t>> opening_;
  std::map<std::size_t, std::vector<std::uint32_t>> running_;
  std::size_t rolled_over_ = 0;
  std::size_t succeeded_ = 0;
};

TEST_F(RollOverTest, EverySessionSucceeds) {
  client_ = &connect();
  // Often the very moment of a change, and the ones around it.
  constexpr int kSteps[] = {0, 0, 1, 7, 33, 49, 50, 99, 100, 101};
  std::size_t opened = 0;
  while (rolled_over_ < kRollOvers && !HasFailure()) {
    if (sessions_.size() < 8 && chance(60)) {
      open_session();
      ++opened;
    }
    hear_client();
    serve();
    hear_client();
    clock.advance(Duration(kSteps[random_() % std::size(kSteps)]));
    journal.lines.clear();
  }
  for (int i = 0; i < 1000 && !sessions_.empty(); ++i) {
    hear_client();
    serve();
    clock.advance(Duration(1));
  }
  EXPECT_TRUE(sessions_.empty()) << sessions_.size() << " sessions never ended";
  EXPECT_EQ(succeeded_, opened);
  EXPECT_GT(opened, kRollOvers);
}

}  // namespace
}  // namespace sallyport::mux
