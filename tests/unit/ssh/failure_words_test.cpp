#include "ssh/upstream/failure_words.hpp"

#include <gtest/gtest.h>

namespace sallyport::ssh {
namespace {

class FailureWordsTest : public ::testing::Test {
 protected:
  FailureWordsTest() {
    options_.name = "web1";
    options_.host = "web1.example";
    options_.port = 2222;
    options_.user = "deploy";
  }
  UpstreamFailure handshake(Errc code, std::string_view said, const std::string& carrier = {}, bool said_version = false) {
    return words_.no_handshake({code, "detail"}, said_version, said, carrier);
  }

  ClientOptions options_;
  FailureWords words_{options_};
};

TEST_F(FailureWordsTest, TellsTheClientLessThanTheLog) {
  words_.note({{},
               {"key: no such file", "known_hosts:3: no key"},
               "agent: the client lends none",
               KnownHosts(options_.host, options_.port)});
  const UpstreamFailure why = words_.unreachable(Errc::refused, "connection refused", "connect: refused");
  EXPECT_EQ(why.code, Errc::refused);
  EXPECT_EQ(why.told, "target web1 can't be reached: connection refused");
  EXPECT_EQ(why.detail,
            "web1.example port 2222: connect: refused; key: no such file; known_hosts:3: no key; agent: the client lends none");
  EXPECT_FALSE(why.of_client);
}

TEST_F(FailureWordsTest, AServerThatEndsBeforeItsVersionIsBusyOrDown) {
  for (const char* said : {"", "Exceeded MaxStartups\r\n", "Not allowed at this time\r\n"}) {
    EXPECT_EQ(handshake(Errc::closed, said).code, Errc::unavailable) << said;
    EXPECT_EQ(handshake(Errc::io, said).code, Errc::unavailable) << said;
    EXPECT_EQ(handshake(Errc::protocol, said).code, Errc::protocol) << said;
  }
  EXPECT_EQ(handshake(Errc::closed, "HTTP/1.1 400\r\n").code, Errc::protocol);
  EXPECT_EQ(handshake(Errc::closed, "", "", true).code, Errc::protocol);
}

TEST_F(FailureWordsTest, ACarrierThatEndsBeforeTheVersionIsAtFaultItself) {
  const UpstreamFailure why = handshake(Errc::closed, "", "its proxy command failed");
  EXPECT_EQ(why.code, Errc::io);
  EXPECT_EQ(why.told, "target web1 can't be reached: its proxy command failed");
  EXPECT_EQ(handshake(Errc::closed, "", "its proxy command failed", true).told,
            "target web1 can't be reached: the SSH handshake failed");
}

}  // namespace
}  // namespace sallyport::ssh
