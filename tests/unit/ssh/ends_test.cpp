// Ends are told once, wherever a login breaks.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "fakes/broken_logins.hpp"

namespace sallyport::ssh::test {
namespace {

using fakes::BrokenLogins;
using fakes::Choices;
using fakes::OurRole;

/// More by hand: SALLYPORT_SEEDS=100000.
std::uint32_t seeds(std::uint32_t ordinary) {
  const char* wanted = std::getenv("SALLYPORT_SEEDS");
  return wanted == nullptr ? ordinary : static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
}

void break_logins(BrokenLogins& logins, OurRole role, std::uint32_t count) {
  for (std::uint32_t seed = 1; seed <= count; ++seed) {
    Choices choices(seed);
    const std::string wrong = logins.run(role, choices);
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
  const auto& counts = logins.counts();
  std::cout << "logged in " << counts.logged_in << ", failed " << counts.failed << ", transports ended " << counts.transport_ended
            << ", given up " << counts.given_up << ", breaks " << counts.breaks << ", exceptions " << counts.exceptions << "\n";
  EXPECT_GT(counts.breaks, 0U);
  EXPECT_GT(counts.logged_in, 0U);
  EXPECT_GT(counts.failed, 0U);
  EXPECT_EQ(counts.stopped, counts.exceptions);
  EXPECT_EQ(logins.close(), "");
}

TEST(EndsTest, AServersLoginThatBreaksAnywhereIsToldOnce) {
  BrokenLogins logins;
  break_logins(logins, OurRole::server, seeds(1500));
}

TEST(EndsTest, AClientsLoginThatBreaksAnywhereIsToldOnce) {
  BrokenLogins logins;
  break_logins(logins, OurRole::client, seeds(1500));
}

TEST(EndsTest, AServersLoginOnItsThreadThatBreaksAnywhereIsToldOnce) {
  BrokenLogins logins(true);
  break_logins(logins, OurRole::server, seeds(60));
}

TEST(EndsTest, AClientsLoginOnItsThreadThatBreaksAnywhereIsToldOnce) {
  BrokenLogins logins(true);
  break_logins(logins, OurRole::client, seeds(60));
}

}  // namespace
}  // namespace sallyport::ssh::test
