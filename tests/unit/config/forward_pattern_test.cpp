#include "config/forward_pattern.hpp"

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
  for (const char* text : {"", "db", "db:", ":22", "db:0", "db:65536", "db:20-10", "db:1-", "db:-1", "db:2x", "db:22 ", "d b:22",
                           "::1:22", "[::1:22", "::1]:22", "[]:22", "[::1]", "[a]b:22", "run/x.sock", "a/b:1", "db:0-10", "**"})
    EXPECT_FALSE(parse_forward_pattern(text)) << text;
}

}  // namespace
}  // namespace sallyport::config
