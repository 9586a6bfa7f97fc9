// A loop for one test, which must leave nothing in it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

#include "net/loop/loop.hpp"
#include "net/loop/uv_clock.hpp"

namespace sallyport::test {

/// Gives each test a loop. Teardown runs what is closing to its end, and fails if a handle was left open.
class LoopTest : public ::testing::Test {
 protected:
  /// Long enough for a busy machine with sanitizers; only a failing test ever waits for it.
  static constexpr Duration kDeadline{100'000};

  /// Runs the loop until `holds()`, which is asked after each turn. False when the deadline passed before.
  [[nodiscard]] bool run_until(const std::function<bool()>& holds) {
    bool late = false;
    const auto deadline = clock_.after(kDeadline, [&late] { late = true; });
    while (!holds() && !late) loop_.run_once();
    return holds();
  }

  /// Runs the loop for a time: only to show that something does *not* happen.
  void run_for(Duration time) {
    bool over = false;
    const auto timer = clock_.after(time, [&over] { over = true; });
    while (!over) loop_.run_once();
  }

  void TearDown() override {
    const auto closed = loop_.close();
    EXPECT_TRUE(closed) << closed.error().detail;
  }

  net::Loop loop_;
  net::UvClock clock_{loop_};
};

}  // namespace sallyport::test
