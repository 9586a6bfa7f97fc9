#include "net/loop/work_lane.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sallyport::net {
namespace {

/// Holds those who come in until it is opened.
struct Gate {
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};

  void pass() {
    const int now = ++inside;
    int before = most;
    while (now > before && !most.compare_exchange_weak(before, now)) {
    }
    std::unique_lock lock(mutex);
    opened.wait(lock, [this] { return open; });
    --inside;
  }
  void let_all_in() {
    const std::lock_guard lock(mutex);
    open = true;
    opened.notify_all();
  }
};

class WorkLaneTest : public ::testing::Test {
 protected:
  void TearDown() override {
    gate_->let_all_in();
    lane_.reset();
    loop_.run_dry();
    EXPECT_TRUE(loop_.close());
  }
  std::unique_ptr<Work> pass(int& done) {
    return lane_->work([gate = gate_] { gate->pass(); }, [&done] { ++done; });
  }

  Loop loop_;
  std::unique_ptr<WorkLane> lane_ = std::make_unique<WorkLane>(loop_, 2);
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

TEST_F(WorkLaneTest, RunsNoMoreThanItsWidthAtATimeAndAllInTheEnd) {
  int done = 0;
  std::vector<std::unique_ptr<Work>> works;
  for (int i = 0; i < 7; ++i) works.push_back(pass(done));
  while (gate_->inside < 2) std::this_thread::yield();  // the loop has no part in it
  EXPECT_EQ(gate_->inside, 2);
  gate_->let_all_in();
  while (done < 7) loop_.run_once();
  EXPECT_EQ(gate_->most, 2);
}

TEST_F(WorkLaneTest, WhoGivesUpWhileWaitingIsNeverRun) {
  int done = 0;
  const auto first = pass(done);
  const auto second = pass(done);
  bool ran = false;
  auto third = lane_->work([&ran] { ran = true; }, [] {});
  third.reset();
  gate_->let_all_in();
  while (done < 2) loop_.run_once();
  EXPECT_FALSE(ran);
}

TEST_F(WorkLaneTest, WhoGivesUpWhileItRunsKeepsItsPlaceUntilItEnds) {
  int done = 0;
  auto first = pass(done);
  auto second = pass(done);
  while (gate_->inside < 2) std::this_thread::yield();  // the loop has no part in it
  first.reset();
  second.reset();
  const auto third = pass(done);
  EXPECT_EQ(gate_->inside, 2);
  gate_->let_all_in();
  while (done < 1) loop_.run_once();
  EXPECT_EQ(gate_->most, 2);
  EXPECT_EQ(done, 1);
}

TEST_F(WorkLaneTest, AUserHasHalfOfItAndOthersGoFirst) {
  lane_ = std::make_unique<WorkLane>(loop_, 4);
  std::mutex mutex;
  std::vector<std::string> began;
  int done = 0;
  std::vector<std::unique_ptr<Work>> works;
  const auto ask = [&](const std::string& user) {
    works.push_back(lane_->work(
        [&, user, gate = gate_] {
          {
            const std::lock_guard lock(mutex);
            began.push_back(user);
          }
          gate->pass();
        },
        [&done] { ++done; }, user));
  };
  for (int i = 0; i < 50; ++i) ask("alice");
  while (gate_->inside < 2) std::this_thread::yield();  // the loop has no part in it
  ask("bob");
  while (gate_->inside < 3) std::this_thread::yield();
  ask({});
  while (gate_->inside < 4) std::this_thread::yield();
  ask("carol");
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(std::count(began.begin(), began.end(), "alice"), 2) << "though she came first, and the others later";
  }
  gate_->let_all_in();
  while (done < 53) loop_.run_once();
  const auto carol = std::find(began.begin(), began.end(), "carol");
  EXPECT_LE(std::count(began.begin(), carol, "alice"), 3) << "she hasn't waited for those who came before her";
}

TEST_F(WorkLaneTest, WhoIsUnknownHasNoShare) {
  int done = 0;
  const auto first = pass(done);
  const auto second = pass(done);
  while (gate_->inside < 2) std::this_thread::yield();
  gate_->let_all_in();
  while (done < 2) loop_.run_once();
}

TEST_F(WorkLaneTest, AUsersPlaceInASmallLaneIsOne) {
  lane_ = std::make_unique<WorkLane>(loop_, 1);
  bool done = false;
  const auto work = lane_->work([] {}, [&done] { done = true; }, "alice");
  while (!done) loop_.run_once();
}

TEST_F(WorkLaneTest, AWorkMayBeDestroyedByItsOwnEnd) {
  std::unique_ptr<Work> work;
  bool ended = false;
  work = lane_->work([] {},
                     [&] {
                       work.reset();
                       ended = true;
                     });
  while (!ended) loop_.run_once();
}

TEST_F(WorkLaneTest, MayGoBeforeWhatItRuns) {
  int done = 0;
  const auto first = pass(done);
  const auto second = pass(done);
  const auto third = pass(done);
  while (gate_->inside < 2) std::this_thread::yield();  // the loop has no part in it
  lane_.reset();
  gate_->let_all_in();
  loop_.run_dry();
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace sallyport::net
