#include "wire/channel_requests.hpp"

#include <gtest/gtest.h>

namespace sallyport::wire {
namespace {

TEST(ExitSignal, ComesBackAsItWasBuilt) {
  const Bytes bytes = build_fields(ExitSignal{"SEGV", true, "why", "en"});
  const auto request = parse_session_request("exit-signal", bytes);
  ASSERT_TRUE(request);
  const auto& fields = std::get<ExitSignal>(*request);
  EXPECT_EQ(fields.signal, "SEGV");
  EXPECT_TRUE(fields.core_dumped);
  EXPECT_EQ(fields.message, "why");
  EXPECT_EQ(fields.language, "en");
}

TEST(SessionRequest, AnX11RequestIsReadAsItIsWritten) {
  const auto request = parse_session_request("x11-req", build_fields(X11Request{true, "MIT-MAGIC-COOKIE-1", "00ff", 1}));
  ASSERT_TRUE(request);
  const auto& fields = std::get<X11Request>(*request);
  EXPECT_TRUE(fields.single_connection);
  EXPECT_EQ(fields.protocol, "MIT-MAGIC-COOKIE-1");
  EXPECT_EQ(fields.cookie, "00ff");
  EXPECT_EQ(fields.screen, 1u);
}

TEST(SessionRequest, ATerminalHasAllThatWasAskedFor) {
  const auto request =
      parse_session_request("pty-req", build_fields(PtyRequest{"xterm", {132, 50, 1320, 1000}, Bytes{53, 0, 0, 0, 1, 0}}));
  ASSERT_TRUE(request);
  const auto& fields = std::get<PtyRequest>(*request);
  EXPECT_EQ(fields.term, "xterm");
  EXPECT_EQ(fields.dimensions.columns, 132u);
  EXPECT_EQ(fields.dimensions.rows, 50u);
  EXPECT_EQ(fields.dimensions.width_pixels, 1320u);
  EXPECT_EQ(fields.dimensions.height_pixels, 1000u);
  EXPECT_EQ(fields.modes, (Bytes{53, 0, 0, 0, 1, 0}));
}

TEST(SessionRequest, AWordThatIsNoneOfTheseIsNoRequest) {
  EXPECT_FALSE(parse_session_request("Shell", {}));
  EXPECT_FALSE(parse_session_request("", {}));
  EXPECT_FALSE(parse_session_request("keepalive@openssh.com", {}));  // answered before anybody asks what it is
}

}  // namespace
}  // namespace sallyport::wire
