// What throws in a callback of libuv's ends what it was about, and nothing else.
#include "net/loop/guard.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/loop_fixture.hpp"
#include "net/loop/signal.hpp"
#include "net/loop/work_lane.hpp"
#include "net/sockets/connector.hpp"
#include "net/sockets/listener.hpp"
#include "net/sockets/proxy_greeting.hpp"
#include "net/sockets/resolver.hpp"
#include "net/sockets/socket_stream.hpp"
#include "net/sockets/stream.hpp"

namespace sallyport::net {
namespace {

[[noreturn]] void blunder() { throw std::runtime_error("a mistake"); }

/// Throws in the event of that name; keeps them all.
struct Blunderer final : StreamEvents {
  explicit Blunderer(std::string event) : where(std::move(event)) {}
  void note(const std::string& event) {
    told.push_back(event);
    if (event == where) blunder();
  }
  void on_connected() override { note("connected"); }
  void on_failed(const Error&) override { note("failed"); }
  void on_received(ByteView) override { note("received"); }
  void on_input_end() override { note("input_end"); }
  void on_sent() override { note("sent"); }
  void on_output_end() override { note("output_end"); }
  void on_broken(const Error&) override { note("broken"); }
  bool has(const std::string& event) const { return std::find(told.begin(), told.end(), event) != told.end(); }

  const std::string where;
  std::vector<std::string> told;
};

class GuardTest : public test::LoopTest {
 protected:
  GuardTest() {
    loop_.on_exception([this](const Error& why) { stopped_.push_back(why.detail); });
  }
  /// Exactly one exception has been stopped, which is the test's.
  [[nodiscard]] bool one_stopped() const { return stopped_ == std::vector<std::string>{"an exception: a mistake"}; }

  /// As run_until(), without waiting for the next event: what throws leaves nothing behind that could come.
  [[nodiscard]] bool turns_until(const std::function<bool()>& holds) {
    bool late = false;
    const auto deadline = clock_.after(kDeadline, [&late] { late = true; });  // a loop without anything active doesn't turn
    while (!holds() && !late) uv_run(loop_.uv(), UV_RUN_NOWAIT);
    return holds();
  }

  Resolver resolver_{loop_};
  std::vector<std::string> stopped_;
};

TEST_F(GuardTest, PutsWhatWasThrownIntoWords) {
  EXPECT_FALSE(guarded(loop_.uv(), [] {}));
  const auto why = guarded(loop_.uv(), blunder);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->detail, "an exception: a mistake");
  EXPECT_TRUE(guarded(loop_.uv(), [] { throw 1; }));  // NOLINT: that is what is tested
  EXPECT_EQ(stopped_.size(), 2U);
}

TEST_F(GuardTest, ALogThatThrowsIsNoHarm) {
  loop_.on_exception([](const Error&) { blunder(); });
  EXPECT_TRUE(guarded(loop_.uv(), blunder));
}

TEST_F(GuardTest, Timer) {
  const auto timer = clock_.after(Duration{0}, blunder);
  EXPECT_TRUE(turns_until([this] { return one_stopped(); }));
}

TEST_F(GuardTest, TheTasksBehindThatOneAreRun) {
  bool run = false;
  loop_.post(blunder);
  loop_.post([&run] { run = true; });
  EXPECT_TRUE(turns_until([&run] { return run; }));
  EXPECT_TRUE(one_stopped());
}

TEST_F(GuardTest, WorkThatThrowsIsOverAllTheSame) {
  bool over = false;
  const auto work = loop_.work(blunder, [&over] { over = true; });
  EXPECT_TRUE(turns_until([&over] { return over; }));
  EXPECT_EQ(stopped_, std::vector<std::string>{"an exception: in the thread pool: a mistake"});
}

TEST_F(GuardTest, WhatFollowsOnWork) {
  const auto work = loop_.work([] {}, blunder);
  EXPECT_TRUE(turns_until([this] { return one_stopped(); }));
}

TEST_F(GuardTest, ALaneGoesOn) {
  WorkLane lane(loop_, 1);
  bool over = false;
  const auto first = lane.work([] {}, blunder);
  const auto second = lane.work([] {}, [&over] { over = true; });
  EXPECT_TRUE(turns_until([&over] { return over; }));
  EXPECT_TRUE(one_stopped());
}

TEST_F(GuardTest, Signal) {
  auto watcher = SignalWatcher::open(loop_, SIGUSR2, blunder);
  ASSERT_TRUE(watcher);
  ASSERT_EQ(std::raise(SIGUSR2), 0);
  EXPECT_TRUE(turns_until([this] { return one_stopped(); }));
}

TEST_F(GuardTest, AcceptedConnectionsAreDroppedOneByOne) {
  int accepted = 0;
  const auto take = [&accepted](Fd, const SocketAddress&) {
    if (++accepted == 1) blunder();
  };
  auto listener = Listener::open(loop_, "127.0.0.1:0", {take, nullptr});
  ASSERT_TRUE(listener);
  std::vector<std::unique_ptr<Connecting>> dials;
  for (int i = 0; i < 2; ++i)
    dials.push_back(
        connect_to(resolver_, "127.0.0.1", (*listener)->address().port(), "alice", kDeadline, [](Result<Connected>) {}));
  EXPECT_TRUE(turns_until([&accepted] { return accepted == 2; }));
  EXPECT_TRUE(one_stopped());
}

TEST_F(GuardTest, TheOutcomeOfAConnection) {
  auto listener = Listener::open(loop_, "127.0.0.1:0", {[](Fd, const SocketAddress&) {}, nullptr});
  ASSERT_TRUE(listener);
  int calls = 0;
  const auto done = [&calls](Result<Connected>) {
    ++calls;
    blunder();
  };
  for (const char* host : {"127.0.0.1", "localhost", "no such name.invalid", ""}) {
    stopped_.clear();
    calls = 0;
    const auto dial = connect_to(resolver_, host, (*listener)->address().port(), "alice", kDeadline, done);
    EXPECT_TRUE(turns_until([this] { return !stopped_.empty(); })) << host;
    for (int turn = 0; turn < 5; ++turn) uv_run(loop_.uv(), UV_RUN_NOWAIT);
    EXPECT_EQ(calls, 1) << host;
  }
}

TEST_F(GuardTest, AProxyHeader) {
  auto pair = connected_pair();
  ASSERT_TRUE(pair);
  int calls = 0;
  const ProxyGreeting greeting(loop_, clock_, std::move(pair->first), kDeadline, [&calls](Result<ProxyHeader>, Fd) {
    ++calls;
    blunder();
  });
  ASSERT_EQ(send(pair->second.get(), "GET /\r\n", 7, MSG_NOSIGNAL), 7);
  EXPECT_TRUE(turns_until([this] { return one_stopped(); }));
  EXPECT_EQ(calls, 1);
}

TEST_F(GuardTest, AStreamEndsOnce) {
  auto pair = connected_pair();
  ASSERT_TRUE(pair);
  std::optional<Error> end;
  auto stream = Stream::open(loop_, std::move(pair->first), 100,
                             {.on_data = [](ByteView) { blunder(); },
                              .on_end =
                                  [&end](const Error& why) {
                                    EXPECT_FALSE(end);
                                    end = why;
                                  },
                              .on_finished = nullptr});
  ASSERT_TRUE(stream);
  ASSERT_EQ(send(pair->second.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_TRUE(turns_until([&end] { return end.has_value(); }));
  pair->second.reset();
  for (int turn = 0; turn < 5; ++turn) uv_run(loop_.uv(), UV_RUN_NOWAIT);
  EXPECT_TRUE(one_stopped());
}

TEST_F(GuardTest, AForwardedSocketEndsOnce) {
  for (const char* where : {"connected", "received", "input_end", "output_end", "broken"}) {
    stopped_.clear();
    auto pair = connected_pair();
    ASSERT_TRUE(pair);
    Lingering lingering(loop_);
    Blunderer events(where);
    SocketStream stream(loop_, lingering, std::move(pair->first), events);
    ASSERT_TRUE(turns_until([&events] { return events.has("connected"); }));
    stream.grant(100);
    ASSERT_EQ(send(pair->second.get(), "x", 1, MSG_NOSIGNAL), 1);
    ASSERT_TRUE(turns_until([&] { return events.has("received"); })) << where;
    if (std::string(where) == "broken") {
      stream.write(bytes_of("unread"));  // what is unread when it is closed makes that a reset
    } else {
      static_cast<void>(shutdown(pair->second.get(), SHUT_WR));
      stream.end_output();
    }
    if (std::string(where) == "broken") pair->second.reset();
    EXPECT_TRUE(turns_until([this] { return !stopped_.empty(); })) << where;
    for (int turn = 0; turn < 5; ++turn) uv_run(loop_.uv(), UV_RUN_NOWAIT);
    EXPECT_TRUE(one_stopped()) << where;
    EXPECT_LE(std::count(events.told.begin(), events.told.end(), "broken"), 1) << where;
  }
}

TEST_F(GuardTest, WhoIsGoneIsNotEnded) {
  auto pair = connected_pair();
  ASSERT_TRUE(pair);
  std::unique_ptr<Stream> stream;
  auto opened = Stream::open(loop_, std::move(pair->first), 100,
                             {.on_data =
                                  [&stream](ByteView) {
                                    stream.reset();
                                    blunder();
                                  },
                              .on_end = [](const Error&) { ADD_FAILURE() << "it has been destroyed"; },
                              .on_finished = nullptr});
  ASSERT_TRUE(opened);
  stream = std::move(*opened);
  ASSERT_EQ(send(pair->second.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_TRUE(turns_until([this] { return one_stopped(); }));
}

}  // namespace
}  // namespace sallyport::net
