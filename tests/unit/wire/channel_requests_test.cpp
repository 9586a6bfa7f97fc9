#include "wire/channel_requests.hpp"

#include <gtest/gtest.h>

#include "wire/encoding.hpp"

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

TEST(SessionRequest, TheFieldsStandInTheOrderOfTheRfc) {
  const struct {
    SessionRequest request;
    Bytes fields;
  } rows[] = {
      {PtyRequest{"vt", {1, 2, 3, 4}, {53}},
       Writer().string("vt").uint32(1).uint32(2).uint32(3).uint32(4).string(Bytes{53}).take()},
      {Env{"LANG", "C"}, Writer().string("LANG").string("C").take()},
      {X11Request{true, "MIT", "00ff", 7}, Writer().byte(1).string("MIT").string("00ff").uint32(7).take()},
      {AgentRequest{}, {}},
      {Shell{}, {}},
      {Exec{"ls"}, Writer().string("ls").take()},
      {Subsystem{"sftp"}, Writer().string("sftp").take()},
      {WindowDimensions{1, 2, 3, 4}, Writer().uint32(1).uint32(2).uint32(3).uint32(4).take()},
      {Signal{"INT"}, Writer().string("INT").take()},
      {Break{500}, Writer().uint32(500).take()},
      {EndOfWrite{}, {}},
      {ExitStatus{3}, Writer().uint32(3).take()},
      {ExitSignal{"SEGV", true, "why", "en"}, Writer().string("SEGV").byte(1).string("why").string("en").take()},
      {XonXoff{true}, Writer().byte(1).take()},
  };
  for (const auto& row : rows) {
    const std::string_view type = type_of(row.request);
    EXPECT_EQ(build_fields(row.request), row.fields) << type;
    const auto read = parse_session_request(type, row.fields);
    ASSERT_TRUE(read) << type;
    EXPECT_EQ(read->index(), row.request.index()) << type;
    EXPECT_EQ(build_fields(*read), row.fields) << type;
    Bytes longer = row.fields;
    longer.push_back(0);
    EXPECT_FALSE(parse_session_request(type, longer)) << type;
  }
}

TEST(SessionRequest, AWordThatIsNoneOfTheseIsNoRequest) {
  EXPECT_FALSE(parse_session_request("Shell", {}));
  EXPECT_FALSE(parse_session_request("", {}));
  EXPECT_FALSE(parse_session_request("keepalive@openssh.com", {}));  // answered before anybody asks what it is
}

}  // namespace
}  // namespace sallyport::wire
