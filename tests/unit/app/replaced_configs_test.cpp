#include "app/replaced_configs.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "fakes/loop_fixture.hpp"

namespace sallyport::app {
namespace {

class ReplacedConfigsTest : public test::LoopTest {
 protected:
  /// One that tells when it is freed.
  std::shared_ptr<const Config> made() {
    return {new Config, [this](const Config* config) {
              delete config;
              if (std::this_thread::get_id() == loop_thread_) ++freed_in_the_loop_;
              ++freed_;
            }};
  }

  const std::thread::id loop_thread_ = std::this_thread::get_id();
  std::atomic<int> freed_{0};
  std::atomic<int> freed_in_the_loop_{0};
  ReplacedConfigs replaced_{loop_};
};

TEST_F(ReplacedConfigsTest, FreesWhatNobodyUsesInAnotherThread) {
  replaced_.add(made());
  EXPECT_TRUE(run_until([this] { return freed_ == 1; }));
  EXPECT_EQ(freed_in_the_loop_, 0);
}

TEST_F(ReplacedConfigsTest, HoldsOnToWhatAConnectionUses) {
  std::shared_ptr<const Config> used = made();
  replaced_.add(used);
  used.reset();  // its connection has ended: it is freed after the next reload, and not here
  EXPECT_EQ(freed_, 0);
  replaced_.add(made());
  EXPECT_TRUE(run_until([this] { return freed_ == 2; }));
  EXPECT_EQ(freed_in_the_loop_, 0);
}

}  // namespace
}  // namespace sallyport::app
