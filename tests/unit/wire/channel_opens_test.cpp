#include "wire/channel_opens.hpp"

#include <string_view>

#include <gtest/gtest.h>

#include "wire/encoding.hpp"

namespace sallyport::wire {
namespace {

TEST(ChannelOpens, DirectTcpipIsReadAsItIsWritten) {
  const Bytes fields = build_direct_tcpip({"db", 70000, "127.0.0.1", 40000});
  const auto open = parse_direct_tcpip(fields);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->host, "db");
  EXPECT_EQ(open->port, 70000u);
  EXPECT_EQ(open->originator, "127.0.0.1");
  EXPECT_EQ(open->originator_port, 40000u);
}

TEST(ChannelOpens, DirectStreamlocalIsReadAsItIsWritten) {
  EXPECT_EQ(parse_direct_streamlocal(build_direct_streamlocal("/run/x.sock")), "/run/x.sock");
}

TEST(ChannelOpens, WhatIsCutOrLeftOverIsMalformed) {
  for (Bytes fields : {build_direct_tcpip({"db", 80, "::1", 1}), build_direct_streamlocal("/x")}) {
    const auto parses = [](ByteView bytes) {
      return parse_direct_tcpip(bytes).has_value() || parse_direct_streamlocal(bytes).has_value();
    };
    EXPECT_TRUE(parses(fields));
    for (std::size_t size = 0; size < fields.size(); ++size) EXPECT_FALSE(parses(ByteView(fields).first(size))) << size;
    fields.push_back(0);
    EXPECT_FALSE(parses(fields));
  }
}

}  // namespace
}  // namespace sallyport::wire
