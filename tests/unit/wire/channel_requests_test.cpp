#include "wire/channel_requests.hpp"

#include <gtest/gtest.h>

namespace sallyport::wire {
namespace {

TEST(ExitSignal, ComesBackAsItWasBuilt) {
  const Bytes bytes = build_exit_signal("SEGV", true, "why");
  const auto fields = parse_exit_signal(bytes);
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->signal, "SEGV");
  EXPECT_TRUE(fields->core_dumped);
  EXPECT_EQ(fields->message, "why");
}

}  // namespace
}  // namespace sallyport::wire
