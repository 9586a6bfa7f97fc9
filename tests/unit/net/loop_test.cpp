#include "net/loop/loop.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <csignal>
#include <future>
#include <thread>
#include <vector>

#include "fakes/loop_fixture.hpp"
#include "net/loop/handle.hpp"
#include "net/loop/signal.hpp"

namespace sallyport::net {
namespace {

using test::LoopTest;

struct Flag {
  explicit Flag(bool& gone) : gone_(gone) {}
  ~Flag() { gone_ = true; }
  bool& gone_;
};

TEST_F(LoopTest, RetiredObjectsGoOnALaterTurn) {
  bool gone = false;
  loop_.retire(std::make_unique<Flag>(gone));
  EXPECT_FALSE(gone);
  EXPECT_TRUE(run_until([&] { return gone; }));
}

TEST_F(LoopTest, CloseFreesWhatWasRetired) {
  bool gone = false;
  loop_.retire(std::make_unique<Flag>(gone));
  EXPECT_TRUE(loop_.close());
  EXPECT_TRUE(gone);
}

TEST_F(LoopTest, CloseNamesHandlesThatWereLeft) {
  struct Owner {
    Handle<uv_timer_t, Owner> timer;
  };
  auto owner = std::make_unique<Owner>();
  ASSERT_TRUE(owner->timer.open(*owner, uv_timer_init, loop_.uv()));
  const auto closed = loop_.close();
  ASSERT_FALSE(closed);
  EXPECT_NE(closed.error().detail.find("timer"), std::string::npos);
  owner.reset();
}

TEST_F(LoopTest, TimersComeInOrderAndMayDestroyThemselves) {
  std::vector<int> fired;
  std::unique_ptr<Timer> second = clock_.after(Duration{2}, [&] {
    fired.push_back(2);
    second.reset();
  });
  const auto first = clock_.after(Duration{0}, [&] { fired.push_back(1); });
  EXPECT_TRUE(fired.empty());
  EXPECT_TRUE(run_until([&] { return fired.size() == 2; }));
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST_F(LoopTest, DestroyedTimersDoNotFire) {
  bool fired = false;
  clock_.after(Duration{0}, [&] { fired = true; }).reset();
  run_for(Duration{5});
  EXPECT_FALSE(fired);
}

TEST_F(LoopTest, WorkRunsElsewhereAndReportsHere) {
  std::thread::id where;
  bool done = false;
  std::unique_ptr<Work> work = loop_.work([&] { where = std::this_thread::get_id(); },
                                          [&] {
                                            done = true;
                                            work.reset();
                                          });
  EXPECT_TRUE(run_until([&] { return done; }));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(LoopTest, CancelledWorkDoesNotReport) {
  const auto begun = std::make_shared<std::promise<void>>();
  const auto go_on = std::make_shared<std::promise<void>>();
  bool reported = false;
  auto work = loop_.work(
      [begun, go_on] {
        begun->set_value();
        go_on->get_future().wait();
      },
      [&] { reported = true; });
  begun->get_future().wait();
  work.reset();  // in mid-operation: the thread is at it
  go_on->set_value();
  loop_.run_dry();
  EXPECT_FALSE(reported);
}

TEST_F(LoopTest, OtherThreadsPost) {
  std::thread other{[this] { loop_.post([this] { loop_.stop(); }); }};
  loop_.run();
  other.join();
}

TEST_F(LoopTest, ATaskThatPostsIsFollowedOnALaterTurn) {
  std::vector<int> order;
  loop_.post([&] {
    order.push_back(1);
    loop_.post([&] { order.push_back(3); });
    order.push_back(2);
  });
  EXPECT_TRUE(run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(LoopTest, NothingThatThreadsPostIsLostAndEachKeepsItsOrder) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5000;
  std::vector<int> next(kThreads, 0);
  int done = 0;
  bool in_order = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int task = 0; task < kTasks; ++task) {
        loop_.post([&, thread, task] {
          in_order = in_order && next[static_cast<std::size_t>(thread)]++ == task;
          ++done;
        });
      }
    });
  }
  EXPECT_TRUE(run_until([&] { return done == kThreads * kTasks; }));
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(in_order);
}

TEST_F(LoopTest, WhatIsPostedToAClosedLoopIsNotRun) {
  bool ran = false;
  loop_.post([&] { ran = true; });
  EXPECT_TRUE(loop_.close());
  loop_.post([&] { ran = true; });
  EXPECT_FALSE(ran);
}

TEST_F(LoopTest, SignalsArriveAndTheWatcherMayGoInside) {
  bool arrived = false;
  std::unique_ptr<SignalWatcher> watcher;
  auto opened = SignalWatcher::open(loop_, SIGUSR1, [&] {
    arrived = true;
    watcher.reset();
  });
  ASSERT_TRUE(opened);
  watcher = std::move(*opened);
  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT_TRUE(run_until([&] { return arrived; }));
}

TEST_F(LoopTest, SignalsThatAreHeldBackAreReadAndHaveNoOtherEffect) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  hold_back_signals({SIGUSR2, SIGTERM});
  ASSERT_EQ(std::raise(SIGUSR2), 0);  // it waits for somebody who reads it
  std::vector<int> read;
  std::unique_ptr<SignalReader> reader;
  auto opened = SignalReader::open(loop_, {SIGUSR2, SIGTERM}, [&](int number) {
    read.push_back(number);
    if (number == SIGTERM) reader.reset();
  });
  ASSERT_TRUE(opened);
  reader = std::move(*opened);
  EXPECT_TRUE(run_until([&] { return read.size() == 1; }));
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_TRUE(run_until([&] { return reader == nullptr; }));
  EXPECT_EQ(read, (std::vector<int>{SIGUSR2, SIGTERM}));
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_FALSE(reader) << "nobody reads it, and nothing happens";
  // Or it would have its effect with the mask.
  int taken = 0;
  sigset_t terminate;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  EXPECT_EQ(sigwait(&terminate, &taken), 0);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace sallyport::net
