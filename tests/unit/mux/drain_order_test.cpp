// Who sends when a transport has drained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "mux/flow/activity.hpp"
#include "mux/protocol/drain_order.hpp"

namespace sallyport::mux {
namespace {

using testing::ElementsAre;

struct DrainOrderTest : testing::Test {
  void add(std::uint32_t channel, int messages) {
    left[channel] = messages;
    order.add(LocalChannel{channel});
  }
  /// Sends up to so many messages; who has sent, in turn.
  std::vector<std::uint32_t> drain(int room) {
    std::vector<std::uint32_t> sent;
    order.drain([this](LocalChannel channel) { return left[number(channel)] <= 1; },
                [&] { return static_cast<int>(sent.size()) < room; },
                [&](LocalChannel channel) {
                  sent.push_back(number(channel));
                  if (on_send) std::exchange(on_send, nullptr)();
                  return --left[number(channel)] > 0;
                });
    return sent;
  }

  DrainOrder order;
  std::map<std::uint32_t, int> left;
  std::function<void()> on_send;
};

TEST_F(DrainOrderTest, ShortOnesFirstThenOneMessageOfEach) {
  add(1, 3);
  add(2, 1);
  add(3, 2);
  EXPECT_THAT(drain(100), ElementsAre(2, 1, 3, 1, 3, 1));
  EXPECT_TRUE(order.empty());
}

TEST_F(DrainOrderTest, WhoeverHadNoTurnIsNext) {
  add(1, 3);
  add(3, 3);
  add(4, 3);
  EXPECT_THAT(drain(2), ElementsAre(1, 3));
  EXPECT_THAT(drain(2), ElementsAre(4, 1));
  EXPECT_FALSE(order.empty());
}

TEST_F(DrainOrderTest, WhoeverComesMeanwhileIsBehindThoseThatHaveWaited) {
  add(1, 3);
  add(3, 3);
  on_send = [this] { add(5, 2); };
  EXPECT_THAT(drain(1), ElementsAre(1));
  EXPECT_THAT(drain(3), ElementsAre(3, 1, 5));
}

TEST(ActivityTest, ChannelsOfTheLastPeriodAreCompany) {
  const TimePoint began{std::chrono::hours(1)};
  Activity activity(began);
  Activity::Mark one = 0;
  Activity::Mark other = 0;
  activity.count(one, 100, began);
  activity.count(one, 100, began);
  EXPECT_FALSE(activity.in_company());
  activity.count(other, 100, began);
  EXPECT_TRUE(activity.in_company());
  activity.count(one, 100, began + Activity::kPeriod);
  EXPECT_TRUE(activity.in_company()) << "the period before counts";
  activity.count(one, 100, began + 2 * Activity::kPeriod);
  EXPECT_FALSE(activity.in_company());
}

}  // namespace
}  // namespace sallyport::mux
