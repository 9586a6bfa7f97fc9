#include "net/sockets/connector.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "fakes/loop_fixture.hpp"
#include "net/sockets/listener.hpp"

namespace sallyport::net {
namespace {

class ConnectorTest : public test::LoopTest {
 protected:
  Resolver resolver_{loop_};

  // A port that was free a moment ago and that nobody listens on.
  std::uint16_t closed_port() {
    const auto listener = Listener::open(loop_, "127.0.0.1:0", {[](Fd, const SocketAddress&) {}, nullptr});
    return (*listener)->address().port();
  }
  Result<Connected> connect(const std::string& host, std::uint16_t port, Duration limit = kDeadline, PermitAddress permits = {}) {
    std::optional<Result<Connected>> outcome;
    const auto attempt = connect_to(
        resolver_, host, port, "alice", limit, [&](Result<Connected> result) { outcome.emplace(std::move(result)); },
        std::move(permits));
    EXPECT_FALSE(outcome.has_value()) << "it was told inside the call";
    if (!run_until([&] { return outcome.has_value(); })) return fail(Errc::io, "the test's deadline");
    return std::move(*outcome);
  }
};

TEST_F(ConnectorTest, ConnectsToANumberAndToAName) {
  auto listener = Listener::open(loop_, "127.0.0.1:0", {[](Fd, const SocketAddress&) {}, nullptr});
  ASSERT_TRUE(listener);
  const auto port = (*listener)->address().port();
  for (const char* host : {"127.0.0.1", "localhost"}) {  // the name may give ::1 first, where nobody listens
    const auto connected = connect(host, port);
    ASSERT_TRUE(connected) << connected.error().detail;
    EXPECT_EQ(connected->peer.text(), (*listener)->address().text());
    EXPECT_EQ(SocketAddress::peer_of(connected->fd.get())->text(), (*listener)->address().text());
  }
}

TEST_F(ConnectorTest, TellsRefusedFromNotFound) {
  const auto refused = connect("127.0.0.1", closed_port());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused) << refused.error().detail;
  const auto unknown = connect("no-such-host.invalid", 22);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found) << unknown.error().detail;
  const auto absurd = connect(std::string(2000, 'x'), 22);
  ASSERT_FALSE(absurd);
  EXPECT_EQ(absurd.error().code, Errc::not_found) << absurd.error().detail;
}

TEST_F(ConnectorTest, NoSpellingOfAListenersAddressGetsThere) {
  int accepted = 0;
  auto listener = Listener::open(loop_, "127.0.0.1:0", {[&](Fd, const SocketAddress&) { ++accepted; }, nullptr});
  ASSERT_TRUE(listener);
  const SocketAddress at = (*listener)->address();
  const auto permits = [&at](const SocketAddress& to) { return !to.arrives_at(at); };
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0", "0", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
                           "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0.0.0.0", "0:0:0:0:0:ffff:7f00:1", "localhost."}) {
    const auto outcome = connect(host, at.port(), kDeadline, permits);
    EXPECT_FALSE(outcome) << host;
    EXPECT_EQ(accepted, 0) << host;
  }
  const auto denied = connect("127.0.0.1", at.port(), kDeadline, permits);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::denied) << denied.error().detail;
  EXPECT_TRUE(connect("127.0.0.1", at.port(), kDeadline, [](const SocketAddress&) { return true; }));
}

TEST_F(ConnectorTest, GivesUpInTime) {
  // A listening socket whose queue is full drops what comes: its clients wait in silence.
  const Fd deaf{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto any = SocketAddress::parse("127.0.0.1:0");
  ASSERT_EQ(bind(deaf.get(), any->get(), any->length()), 0);
  ASSERT_EQ(listen(deaf.get(), 0), 0);
  const auto address = SocketAddress::local_of(deaf.get());
  std::vector<Fd> queue;
  for (int i = 0; i < 4; ++i) {
    queue.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(queue.back().get(), address->get(), address->length()));
  }
  const auto late = connect("127.0.0.1", address->port(), Duration{50});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout) << late.error().detail;
}

TEST_F(ConnectorTest, MayBeGivenUpAtAnyTime) {
  bool told = false;
  const auto tell = [&](Result<Connected>) { told = true; };
  connect_to(resolver_, "localhost", closed_port(), "alice", kDeadline, tell).reset();
  auto attempt = connect_to(resolver_, "127.0.0.1", closed_port(), "alice", kDeadline, tell);
  loop_.run_once();  // the socket is being connected, or has just been refused
  attempt.reset();
  told = false;
  loop_.run_dry();
  EXPECT_FALSE(told);
}

TEST_F(ConnectorTest, MayBeDestroyedByItsOutcome) {
  std::unique_ptr<Connecting> attempt;
  bool told = false;
  attempt = connect_to(resolver_, "127.0.0.1", closed_port(), "alice", kDeadline, [&](const Result<Connected>&) {
    told = true;
    attempt.reset();
  });
  EXPECT_TRUE(run_until([&] { return told; }));
}

}  // namespace
}  // namespace sallyport::net
