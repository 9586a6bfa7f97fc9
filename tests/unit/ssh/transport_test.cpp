// What a logged-in connection promises as a Transport.
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "ssh/transport/ssh_transport.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh::test {
namespace {

Bytes data_message(std::size_t size, std::uint8_t filler = 'x') {
  Bytes message(size, filler);
  message[0] = 94;
  return message;
}

class TransportTest : public SshTest {
 protected:
  Transport& server() { return *servers_[0]->log.transport; }
  Transport& client() { return *client_.log.transport; }
  TransportLog& server_log() { return servers_[0]->log; }
};

TEST_F(TransportTest, CarriesMessagesBothWaysInOneOrTwoParts) {
  listen();
  log_in();
  const Bytes head{80, 1, 2};
  const Bytes tail{3, 4};
  client().send(head, tail);
  server().send(Bytes{100});
  ASSERT_TRUE(run_until([this] { return !server_log().messages.empty() && !client_.log.messages.empty(); }));
  EXPECT_EQ(server_log().messages[0], (Bytes{80, 1, 2, 3, 4}));
  EXPECT_EQ(client_.log.messages[0], Bytes{100});
}

TEST_F(TransportTest, TheKernelLooksAfterTheConnectionToo) {
  const net::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(fd);
  SocketPump::tune(fd);
  int keeps_alive = 0;
  socklen_t size = sizeof keeps_alive;
  ASSERT_EQ(::getsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &keeps_alive, &size), 0);
  EXPECT_EQ(keeps_alive, 1);
}

/// Each kind of cipher has its own way of framing, and those with their own authentication are encrypted in place.
class CipherTest : public TransportTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(CipherTest, CarriesPacketsOfEverySizeAcrossAnExchangeOfKeys) {
  listen();
  auto options = client_options();
  options.algorithms.ciphers = {GetParam()};
  options.rekey_data = 256 * 1024;
  connect(options);
  ASSERT_TRUE(run_until([this] { return client_.connected && servers_[0]->logged_in; }));
  std::vector<std::size_t> sizes{1, 2, 15, 16, 17, 1000, 32768, 35000, 65536, 200000};
  for (std::size_t size = 1; size <= 40; ++size) sizes.push_back(size);
  for (std::size_t size : sizes) client().send(data_message(size));
  for (std::size_t size : sizes) server().send(data_message(size));
  ASSERT_TRUE(
      run_until([&] { return server_log().messages.size() == sizes.size() && client_.log.messages.size() == sizes.size(); }));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(server_log().messages[i], data_message(sizes[i]));
    EXPECT_EQ(client_.log.messages[i], data_message(sizes[i]));
  }
}
INSTANTIATE_TEST_SUITE_P(Ciphers, CipherTest,
                         ::testing::Values("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                                           "aes128-ctr"));

TEST_F(TransportTest, ExchangesKeysUnderLoadInBothDirections) {
  ServerOptions options;
  options.rekey_data = 256 * 1024;
  listen(options);
  auto client_opts = client_options();
  client_opts.rekey_data = 100 * 1024;
  connect(client_opts);
  ASSERT_TRUE(run_until([this] { return client_.connected && servers_[0]->logged_in; }));
  constexpr std::size_t kMessages = 400;
  // Each side keeps a little ahead of the other's answers, so that exchanges begin with data on its way.
  std::size_t sent_up = 0;
  std::size_t sent_down = 0;
  auto pump = [&] {
    while (sent_up < kMessages && client().backlog() < Transport::kHighMark) {
      client().send(data_message(8000, static_cast<std::uint8_t>(sent_up++)));
    }
    while (sent_down < kMessages && server().backlog() < Transport::kHighMark) {
      server().send(data_message(8000, static_cast<std::uint8_t>(sent_down++)));
    }
  };
  ASSERT_TRUE(run_until([&] {
    pump();
    return server_log().messages.size() == kMessages && client_.log.messages.size() == kMessages;
  }));
  for (std::size_t i = 0; i < kMessages; ++i) {
    ASSERT_EQ(server_log().messages[i], data_message(8000, static_cast<std::uint8_t>(i)));
    ASSERT_EQ(client_.log.messages[i], data_message(8000, static_cast<std::uint8_t>(i)));
  }
  EXPECT_FALSE(client_.log.closed);
}

// The problem of 2011: what falls due while the socket is shut must neither be lost nor spoil the stream.
TEST_F(TransportTest, QueuesBehindAPeerThatDoesNotReadAndTellsWhenItDrained) {
  ServerOptions options;
  options.rekey_data = 1024 * 1024;
  listen(options);
  log_in();
  client().pause();
  constexpr std::size_t kMessages = 1500;
  server_log().also = [this](ByteView) { server().send(Bytes{81}); };
  for (std::size_t i = 0; i < kMessages; ++i) {
    server().send(data_message(8000, static_cast<std::uint8_t>(i)));
    if (i % 100 == 0) {
      client().send(Bytes{80});  // the blocked side still answers
      loop_.run_once();
    }
  }
  EXPECT_GT(server().backlog(), Transport::kHighMark);
  EXPECT_EQ(server_log().drained, 0);
  client().resume();
  ASSERT_TRUE(run_until([&] { return client_.log.messages.size() == kMessages + kMessages / 100; }));
  ASSERT_TRUE(run_until([&] { return server_log().drained == 1; }));
  EXPECT_LE(server().backlog(), Transport::kLowMark);
  std::size_t next = 0;
  for (const auto& message : client_.log.messages) {
    if (message.size() == 1) continue;
    ASSERT_EQ(message, data_message(8000, static_cast<std::uint8_t>(next++)));
  }
}

TEST_F(TransportTest, PauseHoldsMessagesUntilResume) {
  listen();
  log_in();
  server().pause();
  client().send(Bytes{80});
  bool waited = false;
  const auto timer = clock_.after(Duration{30}, [&waited] { waited = true; });
  ASSERT_TRUE(run_until([&] { return waited; }));
  EXPECT_TRUE(server_log().messages.empty());
  server().resume();
  ASSERT_TRUE(run_until([this] { return !server_log().messages.empty(); }));
}

TEST_F(TransportTest, DisconnectDeliversItsTextBehindWhatWasSentBefore) {
  listen();
  log_in();
  server().send(Bytes{80, 7});
  server().disconnect(DisconnectReason::by_application, "the bastion is draining");
  EXPECT_FALSE(server_log().closed);
  ASSERT_TRUE(run_until([this] { return client_.log.closed && server_log().closed; }));
  EXPECT_EQ(client_.log.messages.size(), 1U);
  EXPECT_EQ(client_.log.closed->code, Errc::closed);
  EXPECT_NE(client_.log.closed->detail.find("the bastion is draining"), std::string::npos);
  EXPECT_EQ(server_log().closed->code, Errc::closed);
}

TEST_F(TransportTest, DisconnectDoesNotWaitForeverForAPeerThatDoesNotRead) {
  stop_time();
  listen();
  log_in();
  client().pause();
  for (int i = 0; i < 1000; ++i) server().send(data_message(16000));
  server().disconnect(DisconnectReason::by_application, "enough");
  EXPECT_FALSE(server_log().closed);
  time_.advance(SshTransport::kDisconnectLimit);
  ASSERT_TRUE(run_until([this] { return server_log().closed.has_value(); }));
}

TEST_F(TransportTest, LossOfTheConnectionIsTold) {
  listen();
  log_in();
  client_.log.transport.reset();
  ASSERT_TRUE(run_until([this] { return server_log().closed.has_value(); }));
  EXPECT_EQ(server_log().closed->code, Errc::closed);
  server().send(Bytes{80});  // dropped
}

TEST_F(TransportTest, MayBeRetiredFromItsOwnCallbacks) {
  listen();
  log_in();
  server_log().also = [this](ByteView) { loop_.retire(std::move(server_log().transport)); };
  client_.log.then_closed = [this] { loop_.retire(std::move(client_.log.transport)); };
  client().send(Bytes{80});
  ASSERT_TRUE(run_until([this] { return client_.log.closed.has_value(); }));
}

TEST_F(TransportTest, DisconnectFromInsideItsOwnMessage) {
  listen();
  log_in();
  server_log().also = [this](ByteView) { server().disconnect(DisconnectReason::protocol_error, "no such channel"); };
  for (int i = 0; i < 3; ++i) client().send(Bytes{94});
  ASSERT_TRUE(run_until([this] { return client_.log.closed && server_log().closed; }));
  EXPECT_EQ(server_log().messages.size(), 1U);
  EXPECT_NE(client_.log.closed->detail.find("no such channel"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::ssh::test
