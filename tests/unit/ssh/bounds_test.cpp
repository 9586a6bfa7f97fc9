// What a logged-in peer can make a connection hold, or work at in one turn.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <future>
#include <string>

#include "ssh/seam/seam.h"
#include "ssh/transport/exchange_desk.hpp"
#include "ssh/transport/login_thread.hpp"
#include "ssh/transport/ssh_transport.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

constexpr std::uint8_t kUnknownType = 200;

Bytes message_of(std::size_t size, std::uint8_t type = 94, std::uint8_t filler = 'x') {
  Bytes message(size, filler);
  message[0] = type;
  return message;
}

/// The client's end of a connection that the server has accepted: both are this process's. -1: not found.
int other_end(int accepted) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  if (getpeername(accepted, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return -1;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in own{};
    size = sizeof own;
    if (fd != accepted && getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_family == AF_INET &&
        own.sin_port == peer.sin_port)
      return fd;
  }
  return -1;
}

class BoundsTest : public SshTest {
 protected:
  SshTransport& server() { return static_cast<SshTransport&>(*servers_[0]->log.transport); }
  SshTransport& client() { return static_cast<SshTransport&>(*client_.log.transport); }
  TransportLog& server_log() { return servers_[0]->log; }
  /// The kernel takes little at either end, so that little is enough for a flood. Left to itself it may take megabytes.
  void take(net::Fd fd) override {
    const int little = 16 * 1024;
    for (const int end : {fd.get(), other_end(fd.get())})
      for (const int buffer : {SO_SNDBUF, SO_RCVBUF}) ASSERT_EQ(setsockopt(end, SOL_SOCKET, buffer, &little, sizeof little), 0);
    SshTest::take(std::move(fd));
  }
  void log_in_with(std::uint64_t server_rekeys_at) {
    ServerOptions options;
    options.rekey_data = server_rekeys_at;
    listen(options);
    log_in();
  }
  /// Turns the loop until nothing moves any more.
  void settle() {
    std::array<std::uint64_t, 3> before{};
    for (std::array<std::uint64_t, 3> now{1}; now != before;) {
      before = now;
      for (int i = 0; i < 50; ++i) {
        time_.advance(SshTransport::kRestFromSmall);  // which matters where time stands still
        loop_.post([] {});
        loop_.run_once();
      }
      now = {server_log().bytes, client().backlog(), server().backlog()};
    }
  }
  bool server_closed_with(const std::string& text) {
    return server_log().closed && server_log().closed->detail.find(text) != std::string::npos;
  }
};

TEST_F(BoundsTest, AServiceIsAskedForInVainAfterTheLogin) {
  listen();
  log_in();
  Bytes request{5, 0, 0, 0, 12};
  for (const char c : std::string("ssh-userauth")) request.push_back(static_cast<std::uint8_t>(c));
  for (int i = 0; i < 100; ++i) client().send(request);
  client().send(Bytes{80});
  ASSERT_TRUE(run_until([this] { return !server_log().messages.empty(); }));
  EXPECT_EQ(spssh_next_message(server().session()), nullptr) << "nobody would ever take it";
  EXPECT_FALSE(server_log().closed);
}

/// What a peer may send that is answered at once, by libssh or by the connection protocol.
struct Asked {
  const char* name;
  std::uint8_t type;
};

class AnswersTest : public BoundsTest, public ::testing::WithParamInterface<Asked> {
 protected:
  /// The client asks and asks, and reads nothing.
  void flood(int times = 40000) {
    client().pause();
    server_log().keep_messages = false;
    server_log().also = [this](ByteView payload) {
      if (payload[0] == GetParam().type) server().send(message_of(64, 82));
    };
    for (int i = 0; i < times; ++i) client().send(message_of(20, GetParam().type));
  }
};

TEST_P(AnswersTest, AreNotPiledUpForAPeerThatDoesNotReadThem) {
  listen();
  log_in();
  const auto account = std::make_shared<Account>(8 * 1024 * 1024);
  server().charge_to(account);
  flood();
  settle();
  EXPECT_LE(server().backlog(), SshTransport::kMaxAnswers + 2 * Chunk::kSize);
  EXPECT_LE(account->held(), 512U * 1024);
  EXPECT_GT(client().backlog(), 0U) << "it must not have been read";
  // Data still goes out to it, and once it reads all goes on.
  server().send(message_of(1000));
  client().resume();
  EXPECT_TRUE(run_until([this] {
    return std::any_of(client_.log.messages.begin(), client_.log.messages.end(),
                       [](const Bytes& message) { return message == message_of(1000); });
  }));
  EXPECT_TRUE(run_until([this] { return client().backlog() == 0 && server().backlog() == 0; }));
  EXPECT_FALSE(server_log().closed);
}

TEST_P(AnswersTest, EndTheConnectionWhenTheyAreNeverRead) {
  stop_time();
  listen();
  log_in();
  flood();
  settle();
  EXPECT_FALSE(server_log().closed);
  time_.advance(SshTransport::kAnswersLimit);
  loop_.run_once();
  time_.advance(SshTransport::kDisconnectLimit);
  ASSERT_TRUE(run_until([this] { return server_closed_with("does not read the answers"); }));
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnswersTest,
                         ::testing::Values(Asked{"global_request", 80}, Asked{"channel_open", 90}, Asked{"channel_request", 98},
                                           Asked{"service_request", 5}, Asked{"of_no_meaning", kUnknownType}),
                         [](const auto& kind) { return std::string(kind.param.name); });

// Two relays in series with much to say to each other must not both stop reading.
TEST_F(BoundsTest, DataDoesNotStopTheReading) {
  listen();
  log_in();
  client().pause();
  for (int i = 0; i < 1500; ++i) server().send(message_of(8000));
  settle();
  EXPECT_GT(server().backlog(), 1024U * 1024);
  client().send(Bytes{80, 1});
  ASSERT_TRUE(run_until([this] { return !server_log().messages.empty(); }));
}

TEST_F(BoundsTest, MoreThanItsAccountAllowsEndsTheConnection) {
  stop_time();
  listen();
  log_in();
  const auto user = std::make_shared<Account>(64U * 1024 * 1024);
  const auto account = std::make_shared<Account>(1024 * 1024, user);
  server().charge_to(account);
  client().pause();
  for (int i = 0; i < 2000; ++i) server().send(message_of(8000));
  EXPECT_LE(account->held(), 2U * 1024 * 1024);
  EXPECT_EQ(user->held(), account->held());
  time_.advance(SshTransport::kDisconnectLimit);
  ASSERT_TRUE(run_until([this] { return server_closed_with("too much would have to be held"); }));
  server_log().transport.reset();
  EXPECT_EQ(user->held(), 0U);
}

TEST_F(BoundsTest, TheUsersBoundCountsForEachOfHisConnections) {
  stop_time();
  listen();
  log_in();
  const auto user = std::make_shared<Account>(1024 * 1024);
  Charge other{std::make_shared<Account>(8 * 1024 * 1024, user)};
  other.add(700 * 1024);
  server().charge_to(std::make_shared<Account>(8 * 1024 * 1024, user));
  client().pause();
  for (int i = 0; i < 2000; ++i) server().send(message_of(8000));
  EXPECT_LE(user->held(), 1024U * 1024 + 2 * sizeof(Chunk));
  time_.advance(SshTransport::kDisconnectLimit);
  ASSERT_TRUE(run_until([this] { return server_closed_with("too much would have to be held"); }));
}

TEST_F(BoundsTest, AnUnansweredExchangeIsLimitedInWhatWaitsForIt) {
  log_in_with(256 * 1024);
  const auto account = std::make_shared<Account>(8 * 1024 * 1024);
  server().charge_to(account);
  server_log().keep_messages = false;
  client().pause();  // so it won't answer
  for (int i = 0; i < 60; ++i) server().send(message_of(8000));
  server_log().also = [this](ByteView) { server().send(message_of(64, 82)); };
  std::size_t most = 0;
  for (int i = 0; i < 20000 && !server_log().closed; ++i) client().send(message_of(20, 80));
  ASSERT_TRUE(run_until([&] {
    most = std::max(most, account->held());
    return server_log().closed.has_value();
  }));
  EXPECT_NE(server_log().closed->detail.find("while keys are exchanged"), std::string::npos) << server_log().closed->detail;
  EXPECT_LE(most, 2U * 1024 * 1024);
}

TEST_F(BoundsTest, AnUnansweredExchangeIsLimitedInTime) {
  stop_time();
  log_in_with(256 * 1024);
  client().pause();
  for (int i = 0; i < 60; ++i) server().send(message_of(8000));
  EXPECT_FALSE(server_log().closed);
  time_.advance(LaterExchanges::kLimit);
  loop_.run_once();
  time_.advance(SshTransport::kDisconnectLimit);
  ASSERT_TRUE(run_until([this] { return server_closed_with("keys were not exchanged in time"); }));
}

TEST_F(BoundsTest, HalfAPacketIsChargedAndGivenBack) {
  listen();
  log_in();
  const auto account = std::make_shared<Account>(8 * 1024 * 1024);
  server().charge_to(account);
  client().send(message_of(200000));  // longer than one read
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    most = std::max(most, account->held());
    return !server_log().messages.empty();
  }));
  EXPECT_GE(most, 64U * 1024);
  EXPECT_LE(most, 512U * 1024);
  EXPECT_EQ(account->held(), 0U);
}

TEST_F(BoundsTest, ATurnTakesALimitedPartOfWhatOneConnectionSends) {
  listen();
  log_in();
  std::uint64_t turn = 0;
  std::uint32_t in_turn = 0;
  std::uint32_t most = 0;
  std::uint32_t all = 0;
  server_log().keep_messages = false;
  server_log().also = [&](ByteView) {
    if (io_->turn() != std::exchange(turn, io_->turn())) in_turn = 0;
    most = std::max(most, ++in_turn);
    ++all;
  };
  constexpr std::uint32_t kMessages = 20000;
  for (std::uint32_t i = 0; i < kMessages; ++i) client().send(message_of(20));
  ASSERT_TRUE(run_until([&] { return all == kMessages; }));
  EXPECT_LE(most, TurnBudget::kMessages);
}

TEST_F(BoundsTest, WhoPoursSmallMessagesRestsAndLosesNothing) {
  listen();
  log_in();
  std::uint32_t all = 0;
  std::size_t pourers = 0;
  server_log().keep_messages = false;
  server_log().also = [&](ByteView) {
    ++all;
    pourers = std::max(pourers, io_->pourers().count());
  };
  constexpr std::uint32_t kMessages = 50 * TurnBudget::kMessages;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < kMessages; ++i) client().send(message_of(20));
  ASSERT_TRUE(run_until([&] { return all == kMessages; }));
  EXPECT_EQ(pourers, 1U);
  EXPECT_EQ(io_->pourers().count(), 0U) << "whose messages have all been worked at pours no longer";
  // Timers of a millisecond last at least half of one: the loop's time may be older than the clock's.
  EXPECT_GE(std::chrono::steady_clock::now() - began, 20 * SshTransport::kRestFromSmall / 2);
}

/// With the exchanges on another thread, as in the daemon.
class ExchangeDeskTest : public BoundsTest {
 protected:
  ExchangeDeskTest() {
    thread_.emplace();
    desk_.emplace(loop_, thread_->io().loop());
    io_->use_exchange_desk(&*desk_);
  }
  void TearDown() override {
    let_work();
    client_.log.transport.reset();
    servers_.clear();
    desk_.reset();
    thread_.reset();
    BoundsTest::TearDown();
  }
  /// The other thread does nothing until let_work().
  void stop_work() {
    working_.emplace();
    thread_->io().loop().post([until = std::make_shared<std::future<void>>(working_->get_future())] { until->wait(); });
  }
  void let_work() {
    if (working_) working_->set_value();
    working_.reset();
  }
  void lend_server() {
    log_in_with(256 * 1024);
    stop_work();
    for (int i = 0; i < 60; ++i) server().send(message_of(8000, 94, static_cast<std::uint8_t>(i)));
    ASSERT_TRUE(run_until([this] { return server().session() == nullptr || client().session() == nullptr; }));
    if (server().session() != nullptr) std::swap(lender_, other_);
  }
  TransportLog& lender() { return lender_ == 0 ? server_log() : client_.log; }

  int lender_ = 0;
  int other_ = 1;
  std::optional<LoginThread> thread_;
  std::optional<ExchangeDesk> desk_;
  std::optional<std::promise<void>> working_;
};

TEST_F(ExchangeDeskTest, ExchangesUnderLoadInBothDirectionsChangeNothing) {
  ServerOptions options;
  options.rekey_data = 256 * 1024;
  listen(options);
  auto client_opts = client_options();
  client_opts.rekey_data = 100 * 1024;
  connect(client_opts);
  ASSERT_TRUE(run_until([this] { return client_.connected && servers_[0]->logged_in; }));
  constexpr std::size_t kMessages = 400;
  const Bytes id = server().session_id();
  std::size_t sent_up = 0;
  std::size_t sent_down = 0;
  ASSERT_TRUE(run_until([&] {
    while (sent_up < kMessages && client().backlog() < Transport::kHighMark)
      client().send(message_of(8000, 94, static_cast<std::uint8_t>(sent_up++)));
    while (sent_down < kMessages && server().backlog() < Transport::kHighMark)
      server().send(message_of(8000, 94, static_cast<std::uint8_t>(sent_down++)));
    EXPECT_EQ(server().session_id(), id);
    return server_log().messages.size() == kMessages && client_.log.messages.size() == kMessages;
  }));
  for (std::size_t i = 0; i < kMessages; ++i) {
    ASSERT_EQ(server_log().messages[i], message_of(8000, 94, static_cast<std::uint8_t>(i)));
    ASSERT_EQ(client_.log.messages[i], message_of(8000, 94, static_cast<std::uint8_t>(i)));
  }
}

TEST_F(ExchangeDeskTest, WhatIsSentWhileTheSessionIsAwayWaitsAndCountsAsBacklog) {
  lend_server();
  const std::size_t before = lender().transport->backlog();
  for (int i = 0; i < 10; ++i) lender().transport->send(message_of(1000, 80, static_cast<std::uint8_t>(i)));
  EXPECT_GE(lender().transport->backlog(), before + 10000);
  TransportLog& peer = lender_ == 0 ? client_.log : server_log();
  const std::size_t had = peer.messages.size();
  let_work();
  ASSERT_TRUE(run_until([&] {
    return std::count_if(peer.messages.begin(), peer.messages.end(), [](const Bytes& m) { return m[0] == 80; }) == 10;
  })) << had;
  std::uint8_t next = 0;
  for (const Bytes& message : peer.messages) {
    if (message[0] != 80) continue;
    EXPECT_EQ(message, message_of(1000, 80, next++));
  }
}

TEST_F(ExchangeDeskTest, AConnectionMayGoWhileItsSessionIsAway) {
  lend_server();
  lender().transport.reset();
  let_work();
  ASSERT_TRUE(run_until([this] { return server_log().closed || client_.log.closed; }));
}

TEST_F(ExchangeDeskTest, GoodbyesWaitForTheSession) {
  lend_server();
  lender().transport->disconnect(DisconnectReason::by_application, "enough for today");
  let_work();
  TransportLog& peer = lender_ == 0 ? client_.log : server_log();
  ASSERT_TRUE(run_until([&] { return peer.closed && lender().closed; }));
  EXPECT_NE(peer.closed->detail.find("enough for today"), std::string::npos) << peer.closed->detail;
}

TEST_F(ExchangeDeskTest, TheThreadMayEndWithSessionsOnTheirWay) {
  lend_server();
  client_.log.transport.reset();
  let_work();
}

}  // namespace
}  // namespace sallyport::ssh::test
