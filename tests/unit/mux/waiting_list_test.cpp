// Who waits is told in turn, whatever the others do meanwhile.
#include "mux/upstream/waiting_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::mux {
namespace {

using testing::ElementsAre;

struct WaitingListTest : testing::Test {
  WaitingListTest() {
    for (int& waiter : waiters) list.add(waiter);
  }
  int waiters[3] = {1, 2, 3};
  WaitingList<int> list;
  std::vector<int> told;
};

TEST_F(WaitingListTest, TellsInTheOrderOfComing) {
  list.tell_all([this](int waiter) { told.push_back(waiter); });
  EXPECT_THAT(told, ElementsAre(1, 2, 3));
  EXPECT_EQ(list.size(), 0u);
}

TEST_F(WaitingListTest, WhoHasGoneIsNotTold) {
  list.remove(waiters[1]);
  EXPECT_EQ(list.size(), 2u);
  list.tell_all([this](int waiter) {
    told.push_back(waiter);
    list.remove(waiters[2]);
  });
  EXPECT_THAT(told, ElementsAre(1));
}

TEST_F(WaitingListTest, WhoComesMeanwhileWaitsAnew) {
  list.tell_all([this](int& waiter) {
    told.push_back(waiter);
    if (waiter == 1) list.add(waiter);
  });
  EXPECT_THAT(told, ElementsAre(1, 2, 3));
  EXPECT_EQ(list.size(), 1u);
}

TEST_F(WaitingListTest, CountsThoseOfAKind) {
  EXPECT_EQ(list.count([](int waiter) { return waiter > 1; }), 2u);
}

}  // namespace
}  // namespace sallyport::mux
