#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <string>

#include "net/sockets/address.hpp"

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
  for (const char* text : {"", "localhost:22", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:2x", "::1:22", "[::1]",
                           "[::1]22", "[127.0.0.1]:22", "[::1:22", "1.2.3:4"}) {
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

bool arrives(const std::string& to, const std::string& listening) {
  const auto destination = SocketAddress::parse(to);
  const auto at = SocketAddress::parse(listening);
  EXPECT_TRUE(destination) << to;
  EXPECT_TRUE(at) << listening;
  return destination && at && destination->arrives_at(*at);
}

TEST(SocketAddressTest, KnowsWhatLeadsToAListenersAddress) {
  for (const char* to : {"127.0.0.1:22", "0.0.0.0:22", "[::ffff:127.0.0.1]:22", "[::ffff:0.0.0.0]:22"}) {
    EXPECT_TRUE(arrives(to, "127.0.0.1:22")) << to;
    EXPECT_TRUE(arrives(to, "0.0.0.0:22")) << to;
    EXPECT_FALSE(arrives(to, "127.0.0.1:23")) << to;
    EXPECT_FALSE(arrives(to, "[::1]:22")) << to;
    EXPECT_FALSE(arrives(to, "[::]:22")) << to;
    EXPECT_FALSE(arrives(to, "10.99.99.99:22")) << to;
  }
  for (const char* to : {"[::1]:22", "[::]:22", "[0:0:0:0:0:0:0:1]:22"}) {
    EXPECT_TRUE(arrives(to, "[::1]:22")) << to;
    EXPECT_TRUE(arrives(to, "[::]:22")) << to;
    EXPECT_FALSE(arrives(to, "[::1]:23")) << to;
    EXPECT_FALSE(arrives(to, "127.0.0.1:22")) << to;
    EXPECT_FALSE(arrives(to, "0.0.0.0:22")) << to;
  }
  EXPECT_FALSE(arrives("127.0.0.2:22", "127.0.0.1:22"));
  EXPECT_TRUE(arrives("127.0.0.2:22", "127.0.0.2:22"));
  EXPECT_TRUE(arrives("127.255.1.2:22", "0.0.0.0:22"));
  EXPECT_TRUE(arrives("[::ffff:127.9.9.9]:22", "0.0.0.0:22"));
  // A listener of IPv4 that is written as a mapped address, and two scopes of one link-local address.
  EXPECT_TRUE(arrives("127.0.0.1:22", "[::ffff:127.0.0.1]:22"));
  EXPECT_TRUE(arrives("[fe80::1%1]:22", "[fe80::1]:22"));
  // Other machines': of documentation, TEST-NET-3.
  EXPECT_FALSE(arrives("203.0.113.7:22", "0.0.0.0:22"));
  EXPECT_FALSE(arrives("[2001:db8::7]:22", "[::]:22"));
}

TEST(SocketAddressTest, AllAddressesOfThisMachineLeadToTheUnspecifiedOne) {
  ifaddrs* list = nullptr;
  ASSERT_EQ(getifaddrs(&list), 0);
  int seen = 0;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const SocketAddress number(entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    const std::string host = number.host();
    if (host.starts_with("fe80")) continue;  // while it is being looked for twice it can't be used
    const auto to = SocketAddress::from_numbers(host, 22);
    ASSERT_TRUE(to) << host;
    EXPECT_TRUE(to->arrives_at(*SocketAddress::parse(family == AF_INET ? "0.0.0.0:22" : "[::]:22"))) << host;
    ++seen;
  }
  freeifaddrs(list);
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace sallyport::net
