#include "net/sockets/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sallyport::net {
namespace {

using Peer = ProxyHeader::Peer;

auto parse(std::string_view text) {
  return parse_proxy_header({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

ProxyHeader header_of(std::string_view text) {
  auto parsed = parse(text);
  EXPECT_TRUE(std::holds_alternative<ProxyHeader>(parsed)) << text;
  return std::holds_alternative<ProxyHeader>(parsed) ? std::get<ProxyHeader>(parsed) : ProxyHeader{};
}

/// Version 2: the signature, version and command, family, the length, and what it is of.
std::string binary(std::uint8_t command, std::uint8_t family, std::string_view rest) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text += static_cast<char>(rest.size() >> 8U);
  text += static_cast<char>(rest.size());
  return text.append(rest);
}

const std::string kV4 = std::string("\x0a\x00\x00\x01\x0a\x00\x00\x02\x30\x39\x00\x16", 12);

TEST(ProxyHeader, ReadsALine) {
  const ProxyHeader v4 = header_of("PROXY TCP4 192.0.2.7 10.0.0.1 56324 22\r\nSSH-2.0-x");
  EXPECT_EQ(v4.length, 40U);
  EXPECT_EQ(v4.source, (Peer{"192.0.2.7", 56324}));
  EXPECT_EQ(v4.destination, (Peer{"10.0.0.1", 22}));
  const ProxyHeader v6 = header_of("PROXY TCP6 2001:DB8::1 ::1 1 65535\r\n");
  EXPECT_EQ(v6.source, (Peer{"2001:db8::1", 1}));
  const ProxyHeader unknown = header_of("PROXY UNKNOWN whatever there is\r\n");
  EXPECT_FALSE(unknown.source);
}

TEST(ProxyHeader, ReadsTheBinaryForm) {
  const std::string text = binary(0x21, 0x11, kV4 + "extension") + "SSH-2.0-x";
  const ProxyHeader v4 = header_of(text);
  EXPECT_EQ(v4.length, text.size() - 9);
  EXPECT_EQ(v4.source, (Peer{"10.0.0.1", 12345}));
  EXPECT_EQ(v4.destination, (Peer{"10.0.0.2", 22}));
  const std::string six(15, '\0');
  const ProxyHeader v6 = header_of(binary(0x21, 0x21, six + "\x01" + six + "\x02" + std::string("\x00\x01\x00\x02", 4)));
  EXPECT_EQ(v6.source, (Peer{"::1", 1}));
  EXPECT_EQ(v6.destination, (Peer{"::2", 2}));
  EXPECT_FALSE(header_of(binary(0x20, 0x11, kV4)).source) << "LOCAL";
  EXPECT_FALSE(header_of(binary(0x21, 0x00, "")).source) << "UNSPEC";
}

TEST(ProxyHeader, WaitsForTheRestAtEveryCut) {
  for (const std::string& whole : {std::string("PROXY TCP4 192.0.2.7 10.0.0.1 56324 22\r\n"), binary(0x21, 0x11, kV4)}) {
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
      EXPECT_TRUE(std::holds_alternative<ProxyHeaderIncomplete>(parse(std::string_view(whole).substr(0, cut)))) << cut;
    EXPECT_TRUE(std::holds_alternative<ProxyHeader>(parse(whole)));
  }
}

class BadProxyHeader : public ::testing::TestWithParam<std::string> {};

TEST_P(BadProxyHeader, IsRefused) { EXPECT_TRUE(std::holds_alternative<ProxyHeaderBad>(parse(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(Rows, BadProxyHeader,
                         ::testing::Values("SSH-2.0-OpenSSH_9.9\r\n", "PROXX", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
                                           "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
                                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
                                           "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
                                           "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
                                           "PROXY TCP4 host 1.2.3.4 1 2\r\n",
                                           std::string("PROXY TCP4 1.2.3.4\0x 1.2.3.4 1 2\r\n", 34), "PROXY \r\n",
                                           "PROXY " + std::string(200, 'x'), binary(0x11, 0x11, kV4), binary(0x22, 0x11, kV4),
                                           binary(0x21, 0x12, kV4), binary(0x21, 0x31, std::string(216, 'x')),
                                           binary(0x21, 0x11, kV4.substr(1)), binary(0x21, 0x21, kV4),
                                           binary(0x21, 0x11, std::string(4000, 'x'))));

}  // namespace
}  // namespace sallyport::net
