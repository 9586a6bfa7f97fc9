#include <gtest/gtest.h>

#include "net/address.hpp"

namespace sallyport::net {
namespace {

TEST(SocketAddressTest, ReadsAndShowsBothFamilies) {
  for (const char* text : {"127.0.0.1:0", "10.0.0.5:22", "[::1]:2222", "[2001:db8::7]:65535"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(SocketAddressTest, RefusesWhatIsNotANumber) {
  for (const char* text : {"", "localhost:22", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:2x", "::1:22",
                           "[::1]", "[::1]22", "[127.0.0.1]:22", "[::1:22", "1.2.3:4"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::config) << text;
  }
}

TEST(SocketAddressTest, ShowsMappedAddressesAsIpv4) {
  const auto address = SocketAddress::parse("[::ffff:10.1.2.3]:22");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->text(), "10.1.2.3:22");
}

}  // namespace
}  // namespace sallyport::net
