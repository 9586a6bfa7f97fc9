#include "match/forward_pattern.hpp"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

bool has_port(const char* pattern, const char* host, std::uint32_t port) {
  const auto parsed = parse_forward_pattern(pattern);
  EXPECT_TRUE(parsed) << pattern;
  return parsed && matches_port(*parsed, host, port);
}

bool has_socket(const char* pattern, const char* path) {
  const auto parsed = parse_forward_pattern(pattern);
  EXPECT_TRUE(parsed) << pattern;
  return parsed && matches_socket(*parsed, path);
}

TEST(ForwardPattern, HostsAndPorts) {
  EXPECT_TRUE(has_port("db:5432", "db", 5432));
  EXPECT_TRUE(has_port("DB:5432", "dB", 5432));
  EXPECT_FALSE(has_port("db:5432", "db", 5433));
  EXPECT_FALSE(has_port("db:5432", "db2", 5432));
  EXPECT_TRUE(has_port("*.internal:22", "web1.internal", 22));
  EXPECT_FALSE(has_port("*.internal:22", "web1.internal.evil.org", 22));
  EXPECT_TRUE(has_port("db:8000-8100", "db", 8000));
  EXPECT_TRUE(has_port("db:8000-8100", "db", 8100));
  EXPECT_FALSE(has_port("db:8000-8100", "db", 8101));
  EXPECT_TRUE(has_port("db:*", "db", 1));
  EXPECT_TRUE(has_port("*:*", "anything", 65535));
}

TEST(ForwardPattern, Addresses) {
  EXPECT_TRUE(has_port("[::1]:80", "::1", 80));
  EXPECT_TRUE(has_port("[::1]:80", "0:0:0:0:0:0:0:1", 80));
  EXPECT_TRUE(has_port("[FD00::5]:80", "fd00::0005", 80));
  EXPECT_TRUE(has_port("10.0.0.*:80", "10.0.0.7", 80));
  EXPECT_FALSE(has_port("10.0.0.1:80", "10.0.0.11", 80));
  EXPECT_FALSE(has_port("[fe80::*]:80", "fe80::1%eth0", 80));
  EXPECT_TRUE(has_port("[fe80::1%eth0]:80", "fe80::1%eth0", 80));
  EXPECT_TRUE(has_port("*:80", "fe80::1%eth0", 80));
}

TEST(ForwardPattern, DigitsAndDotsAreAddressesAlone) {
  for (const char* pattern : {"10.*:22", "10.0.0.*:22", "10.*.*.*:22", "1*:22", "10.?.0.1:22", "10.0.0.1:22", "10.0.0.0/8:22"}) {
    for (const char* name : {"10.evil.example", "10.0.0.evil.example", "10.a.b.c", "1.example", "10.0.0.1.example", "10.0.0.1.",
                             "10.x.0.1", "10", "10.", "10.0.0.1%eth0", "10.0.0.1.nip.io"})
      EXPECT_FALSE(has_port(pattern, name, 22)) << pattern << " " << name;
    EXPECT_TRUE(has_port(pattern, "10.0.0.1", 22)) << pattern;
    EXPECT_FALSE(has_port(pattern, "2.0.0.1", 22)) << pattern;
  }
}

TEST(ForwardPattern, NamesAreNoAddresses) {
  for (const char* pattern : {"*.internal:22", "*a:22", "0x*:22", "*x*:22", "web?:22"})
    for (const char* address : {"10.0.0.1", "0xa", "0x7f.1", "::a", "::ffff:10.0.0.1"})
      EXPECT_FALSE(has_port(pattern, address, 22)) << pattern << " " << address;
  EXPECT_TRUE(has_port("*a:22", "ab.a", 22));
}

/// Whatever getaddrinfo() takes for an address is judged as the one that will be connected to.
TEST(ForwardPattern, OddSpellingsAreTheAddress) {
  for (const char* loopback : {"127.0.0.1", "127.1", "0x7f.1", "0177.0.0.01", "2130706433", "0x7f000001", "127.0.1",
                               "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:FFFF:127.0.0.1"}) {
    for (const char* pattern : {"127.0.0.1:22", "127.*:22", "127.0.0.*:22", "127.0.0.0/8:22", "127.1:22", "*:22", "*.*:22", "*"})
      EXPECT_TRUE(has_port(pattern, loopback, 22)) << pattern << " " << loopback;
    for (const char* pattern : {"10.*:22", "10.0.0.0/8:22", "0*:22", "2*:22", "[::]/0:22", "[::*]:22", "*f*:22", "localhost:22"})
      EXPECT_FALSE(has_port(pattern, loopback, 22)) << pattern << " " << loopback;
  }
  EXPECT_FALSE(has_port("10.*:22", "010.0.0.1", 22)) << "octal: 8.0.0.1";
  EXPECT_TRUE(has_port("8.*:22", "010.0.0.1", 22));
  EXPECT_TRUE(has_port("0.0.0.0:22", "0", 22));
}

TEST(ForwardPattern, Networks) {
  EXPECT_TRUE(has_port("10.0.0.0/8:22", "10.255.0.1", 22));
  EXPECT_FALSE(has_port("10.0.0.0/8:22", "11.0.0.1", 22));
  EXPECT_FALSE(has_port("10.0.0.0/8:22", "10.255.0.1", 23));
  EXPECT_TRUE(has_port("10.0.0.0/8:*", "10.255.0.1", 23));
  for (const char* pattern : {"[2001:db8::]/32:22", "[2001:db8::/32]:22", "[2001:DB8::]/32:20-30"}) {
    EXPECT_TRUE(has_port(pattern, "2001:db8:1::5", 22)) << pattern;
    EXPECT_TRUE(has_port(pattern, "2001:0DB8:0::5", 22)) << pattern;
    EXPECT_FALSE(has_port(pattern, "2001:db9::5", 22)) << pattern;
    EXPECT_FALSE(has_port(pattern, "2001:db8:1::5%eth0", 22)) << pattern;
  }
  EXPECT_TRUE(has_port("0.0.0.0/0:22", "8.8.8.8", 22));
  EXPECT_FALSE(has_port("0.0.0.0/0:22", "example.org", 22));
  EXPECT_FALSE(has_port("0.0.0.0/0:22", "::1", 22));
  EXPECT_TRUE(has_port("[fd00::*]:80", "FD00:0:0:0:0:0:0:7", 80)) << "wildcards see the shortest spelling";
}

TEST(ForwardPattern, Sockets) {
  EXPECT_TRUE(has_socket("/run/*.sock", "/run/app.sock"));
  EXPECT_FALSE(has_socket("/run/*.sock", "/run/App.Sock"));
  EXPECT_FALSE(has_socket("/run/app.sock", "/run/app.sock2"));
  EXPECT_FALSE(has_socket("*:*", "/run/app.sock"));
  EXPECT_FALSE(has_port("/run/*", "/run/x", 1));
}

TEST(ForwardPattern, AStarIsEverything) {
  EXPECT_TRUE(has_port("*", "db", 5432));
  EXPECT_TRUE(has_socket("*", "/run/app.sock"));
}

TEST(ForwardPattern, WhatIsNone) {
  for (const char* text : {"",
                           "db",
                           "db:",
                           ":22",
                           "db:0",
                           "db:65536",
                           "db:20-10",
                           "db:1-",
                           "db:-1",
                           "db:2x",
                           "db:22 ",
                           "d b:22",
                           "::1:22",
                           "[::1:22",
                           "::1]:22",
                           "[]:22",
                           "[::1]",
                           "[a]b:22",
                           "run/x.sock",
                           "a/b:1",
                           "db:0-10",
                           "**",
                           "10.0.0.1/8:22",
                           "10.0.0.0/33:22",
                           "10.0.0.0/:22",
                           "[fd00::]/129:22",
                           "[fd00::]8:22",
                           "fd00::/8:22",
                           "[fd00::1]/8:22",
                           "[fd00::/8]/8:22",
                           "10.*/8:22",
                           "10.0.0.0/8/8:22",
                           "db/8:22"})
    EXPECT_FALSE(parse_forward_pattern(text)) << text;
}

}  // namespace
}  // namespace sallyport::config
