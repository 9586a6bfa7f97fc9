#include "control/server.hpp"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_daemon.hpp"
#include "fakes/fake_clock.hpp"
#include "fakes/loop_fixture.hpp"
#include "fakes/memory_logger.hpp"
#include "journal/fact_journal.hpp"
#include "journal/log_and_trail.hpp"

namespace sallyport::control {
namespace {

using testing::HasSubstr;

/// A client's end of a connection, read and written by hand.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  void send(std::string_view text) {
    ASSERT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  int fd() const { return fd_.get(); }

  /// Takes what is there; received() has it all, ended() whether that was the end.
  void receive() {
    char buffer[65536];
    ssize_t count = 0;
    while ((count = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
  }
  /// Whether there is something to receive.
  bool has_something() const {
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }

 private:
  net::Fd fd_;
  std::string received_;
  bool ended_ = false;
};

/// The server's time stands still until a test moves it.
class ControlServerTest : public test::LoopTest {
 protected:
  void start(ServerLimits limits = {}) { server_ = std::make_unique<Server>(loop_, time_, handler_, log_, limits); }
  void TearDown() override {
    server_.reset();
    LoopTest::TearDown();
  }
  Peer connect(uid_t uid = ::geteuid()) {
    int pair[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    server_->accept(net::Fd(pair[0]), {uid, 0, 4242});
    return Peer(pair[1]);
  }
  bool receives(Peer& peer, std::string_view text) {
    return run_until([&] {
      peer.receive();
      return peer.received().find(text) != std::string::npos;
    });
  }
  bool ends(Peer& peer) {
    return run_until([&] {
      peer.receive();
      return peer.ended();
    });
  }

  fakes::FakeClock time_;
  FakeDaemon daemon_;
  fakes::MemoryLogger log_;
  NoAuditTrail audit_;
  log::Records records_{log_, audit_, time_};
  journal::LogAndTrail log_and_trail_{records_};
  journal::FactJournal journal_{{&log_and_trail_}};
  RequestHandler handler_{daemon_, daemon_, time_, journal_};
  std::unique_ptr<Server> server_;
};

constexpr std::string_view kDrain = "{\"verb\":\"drain\"}\n";
constexpr std::string_view kDrained = "{\"ok\":true,\"result\":{\"draining\":true}}\n";

TEST_F(ControlServerTest, AnswersRequestsInOrder) {
  start();
  Peer peer = connect();
  peer.send("{\"verb\":\"connections\"}\n{\"verb\":\"drain\"}\r\nnonsense\n");
  ASSERT_TRUE(receives(peer, "one JSON object"));
  EXPECT_EQ(peer.received().find("{\"ok\":true,\"result\":[]}\n"), 0U);
  EXPECT_THAT(peer.received(), HasSubstr(kDrained));
}

TEST_F(ControlServerTest, PutsARequestTogetherFromItsParts) {
  start();
  Peer peer = connect();
  for (const char c : kDrain) {
    EXPECT_EQ(peer.received(), "");
    peer.send(std::string_view(&c, 1));
    loop_.post([] {});
    loop_.run_once();
    peer.receive();
  }
  EXPECT_TRUE(receives(peer, kDrained));
}

TEST_F(ControlServerTest, StillAnswersAClientThatHalfCloses) {
  start();
  Peer peer = connect();
  peer.send(kDrain);
  peer.half_close();
  ASSERT_TRUE(ends(peer));
  EXPECT_EQ(peer.received(), kDrained);
  EXPECT_TRUE(run_until([&] { return server_->clients() == 0; }));
}

TEST_F(ControlServerTest, AnswersLateThoughTheClientHasHalfClosed) {
  start();
  Peer peer = connect();
  peer.send("{\"verb\":\"reload\"}\n");
  peer.half_close();
  ASSERT_TRUE(run_until([&] { return daemon_.reloading_ != nullptr; }));
  daemon_.reloading_({});
  ASSERT_TRUE(ends(peer));
  EXPECT_THAT(peer.received(), HasSubstr("reloaded"));
}

TEST_F(ControlServerTest, HoldsTheNextRequestUntilALateAnswer) {
  start();
  Peer peer = connect();
  peer.send("{\"verb\":\"reload\"}\n{\"verb\":\"drain\"}\n");
  ASSERT_TRUE(run_until([&] { return daemon_.reloading_ != nullptr; }));
  EXPECT_FALSE(daemon_.draining_);
  daemon_.reloading_({});
  ASSERT_TRUE(receives(peer, kDrained));
  EXPECT_EQ(peer.received().find("{\"ok\":true,\"result\":{\"reloaded\":true}}\n"), 0U);
}

TEST_F(ControlServerTest, ASecondAnswerIsNotTakenForOneToTheNextRequest) {
  start();
  Peer peer = connect();
  peer.send("{\"verb\":\"reload\"}\n");
  ASSERT_TRUE(run_until([&] { return daemon_.reloading_ != nullptr; }));
  const auto first = std::exchange(daemon_.reloading_, nullptr);
  first({});
  ASSERT_TRUE(receives(peer, "reloaded"));
  peer.send("{\"verb\":\"reload\"}\n");
  ASSERT_TRUE(run_until([&] { return daemon_.reloading_ != nullptr; }));
  first({});
  daemon_.reloading_(fail(Errc::config, "this one is the answer"));
  ASSERT_TRUE(receives(peer, "this one is the answer"));
  EXPECT_EQ(peer.received().find("reloaded"), peer.received().rfind("reloaded"));
}

TEST_F(ControlServerTest, AnAnswerForAClientThatHasGoneHarmsNobody) {
  start({.idle = Duration(1000)});
  Peer peer = connect();
  peer.send("{\"verb\":\"reload\"}\n");
  ASSERT_TRUE(run_until([&] { return daemon_.reloading_ != nullptr; }));
  time_.advance(Duration(1000));
  ASSERT_TRUE(receives(peer, "timed out"));
  ASSERT_TRUE(run_until([&] { return server_->clients() == 0; }));
  daemon_.reloading_({});
  server_.reset();
  daemon_.reloading_({});
}

TEST_F(ControlServerTest, RefusesOtherUsers) {
  start();
  const uid_t other = ::geteuid() + 1000;
  Peer peer = connect(other);
  peer.send(kDrain);
  ASSERT_TRUE(ends(peer));
  EXPECT_THAT(peer.received(), HasSubstr("permission denied"));
  EXPECT_FALSE(daemon_.draining_);
  EXPECT_TRUE(log_.has("control client refused"));
}

TEST(MayControlTest, IsForTheDaemonsUserAndRoot) {
  EXPECT_TRUE(may_control(0, 0));
  EXPECT_TRUE(may_control(0, 990));
  EXPECT_TRUE(may_control(990, 990));
  EXPECT_FALSE(may_control(1000, 990));
  EXPECT_FALSE(may_control(1000, 0));
}

TEST_F(ControlServerTest, RefusesATooLongRequest) {
  start({.request_bytes = 1000});
  Peer peer = connect();
  peer.send(std::string(5000, 'x'));
  ASSERT_TRUE(ends(peer));
  EXPECT_THAT(peer.received(), HasSubstr("the request is too long"));
  EXPECT_TRUE(run_until([&] { return server_->clients() == 0; }));
}

TEST_F(ControlServerTest, SurvivesGarbage) {
  start();
  Peer peer = connect();
  std::string garbage;
  for (int i = 0; i < 2000; ++i) garbage += static_cast<char>(i * 7919 >> 3);
  peer.send(garbage + "\n");
  peer.send(kDrain);
  EXPECT_TRUE(receives(peer, kDrained));
}

TEST_F(ControlServerTest, BoundsTheNumberOfClients) {
  start({.clients = 2});
  Peer one = connect();
  Peer two = connect();
  Peer three = connect();
  ASSERT_TRUE(ends(three));
  EXPECT_THAT(three.received(), HasSubstr("too many control connections"));
  one.close();
  ASSERT_TRUE(run_until([&] { return server_->clients() == 1; }));
  Peer four = connect();
  four.send(kDrain);
  EXPECT_TRUE(receives(four, kDrained));
}

TEST_F(ControlServerTest, DropsBeyondTheRefusals) {
  start({.clients = 1});
  std::vector<Peer> peers;
  for (int i = 0; i < 30; ++i) peers.push_back(connect(::geteuid() + 1));
  EXPECT_LE(server_->clients(), 9U);
}

TEST_F(ControlServerTest, DropsASilentClient) {
  start({.idle = Duration(1000)});
  Peer peer = connect();
  peer.send("{\"verb\":");
  time_.advance(Duration(999));
  EXPECT_EQ(server_->clients(), 1U);
  time_.advance(Duration(1));
  EXPECT_TRUE(ends(peer));
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlServerTest, DropsAClientThatDoesNotRead) {
  daemon_.channels_.resize(20000);
  start({.idle = Duration(1000)});
  Peer peer = connect();
  peer.send("{\"verb\":\"channels\"}\n");
  ASSERT_TRUE(run_until([&] { return peer.has_something(); }));
  peer.receive();
  ASSERT_TRUE(run_until([&] { return peer.has_something(); }));  // there was more than the socket takes
  time_.advance(Duration(1000));
  EXPECT_EQ(server_->clients(), 1U) << "it has read some of it";
  time_.advance(Duration(1000));
  EXPECT_TRUE(run_until([&] { return server_->clients() == 0; }));
}

TEST_F(ControlServerTest, DropsAClientThatLetsAnswersPileUp) {
  daemon_.channels_.resize(20000);
  start({.unread_bytes = 100000});
  Peer peer = connect();
  peer.send("{\"verb\":\"channels\"}\n");
  EXPECT_TRUE(run_until([&] { return server_->clients() == 0; }));
  EXPECT_TRUE(log_.has("reads too slowly"));
}

TEST_F(ControlServerTest, SendsALongAnswerWhole) {
  daemon_.channels_.resize(20000);
  start();
  Peer peer = connect();
  peer.send("{\"verb\":\"channels\"}\n");
  EXPECT_TRUE(receives(peer, "]}\n"));
}

TEST_F(ControlServerTest, ListensOnASocketForItsUserAlone) {
  std::string folder = (std::filesystem::temp_directory_path() / "sallyport-control-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/control.sock";
  {
    auto server = Server::open(loop_, time_, path, handler_, log_);
    ASSERT_TRUE(server) << server.error().detail;
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    auto fd = net::connect_unix(path);
    ASSERT_TRUE(fd);
    Peer peer(fd->release());
    peer.send(kDrain);
    EXPECT_TRUE(receives(peer, kDrained));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sallyport::control
