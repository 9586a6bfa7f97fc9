#include "wire/forwards.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace sallyport::wire {
namespace {

TEST(Forwards, AreReadAsTheyAreWritten) {
  const Bytes forward = build_tcpip_forward("localhost", 70000);
  ASSERT_TRUE(parse_tcpip_forward(forward));
  EXPECT_EQ(parse_tcpip_forward(forward)->address, "localhost");
  EXPECT_EQ(parse_tcpip_forward(forward)->port, 70000u);
  EXPECT_EQ(parse_streamlocal_forward(build_streamlocal_forward("/tmp/x")), "/tmp/x");
  const Bytes connection = build_forwarded_tcpip({"", 8080, "192.0.2.1", 40000});
  const auto open = parse_forwarded_tcpip(connection);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->address, "");
  EXPECT_EQ(open->port, 8080u);
  EXPECT_EQ(open->originator, "192.0.2.1");
  EXPECT_EQ(open->originator_port, 40000u);
  EXPECT_EQ(parse_forwarded_streamlocal(build_forwarded_streamlocal("/tmp/x")), "/tmp/x");
  EXPECT_EQ(parse_x11_open(build_x11_open({"127.0.0.1", 6010}))->originator_port, 6010u);
  EXPECT_EQ(parse_chosen_port(build_chosen_port(41000)), 41000u);
}

TEST(Forwards, WhatIsCutOrTooLongIsNotRead) {
  const auto refuses = [](Bytes fields, auto parse) {
    Bytes longer = fields;
    longer.push_back(0);
    EXPECT_FALSE(parse(longer));
    while (!fields.empty()) {
      fields.pop_back();
      EXPECT_FALSE(parse(fields)) << fields.size();
    }
  };
  refuses(build_tcpip_forward("localhost", 1), parse_tcpip_forward);
  refuses(build_streamlocal_forward("/x"), parse_streamlocal_forward);
  refuses(build_forwarded_tcpip({"a", 1, "b", 2}), parse_forwarded_tcpip);
  refuses(build_forwarded_streamlocal("/x"), parse_forwarded_streamlocal);
  refuses(build_x11_open({"a", 1}), parse_x11_open);
  refuses(build_chosen_port(1), parse_chosen_port);
}

}  // namespace
}  // namespace sallyport::wire
