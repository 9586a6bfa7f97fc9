// Our own source of random bytes, which libssh uses for its secrets.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <set>
#include <thread>

extern "C" int ssh_get_random(void* where, int length, int strong);

namespace sallyport::ssh::test {
namespace {

using Sample = std::array<std::uint8_t, 16>;

Sample sample(int strong) {
  Sample bytes{};
  EXPECT_EQ(ssh_get_random(bytes.data(), bytes.size(), strong), 1);
  return bytes;
}

class RandomTest : public ::testing::TestWithParam<int> {};

TEST_P(RandomTest, NothingIsGivenTwice) {
  std::set<Sample> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(sample(GetParam())).second);
}

TEST_P(RandomTest, AnyLengthIsFilled) {
  constexpr std::size_t kLongest = 3000;
  for (std::size_t length = 0; length <= kLongest; length = length < 130 ? length + 1 : length * 2) {
    // That a byte comes out zero eight times in a row is next to impossible.
    std::array<std::uint8_t, kLongest + 1> united{};
    for (int round = 0; round < 8; ++round) {
      std::array<std::uint8_t, kLongest + 1> bytes{};
      ASSERT_EQ(ssh_get_random(bytes.data(), static_cast<int>(length), GetParam()), 1);
      for (std::size_t i = 0; i < bytes.size(); ++i) united[i] |= bytes[i];
    }
    for (std::size_t i = 0; i < united.size(); ++i) ASSERT_EQ(united[i] != 0, i < length) << length;
  }
  EXPECT_EQ(ssh_get_random(nullptr, -1, GetParam()), 0);
}

TEST_P(RandomTest, AProcessAndItsChildDontShareAny) {
  static_cast<void>(sample(GetParam()));  // something is left of what has been fetched
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Sample bytes = sample(GetParam());
    ::_exit(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  ::close(ends[1]);
  const Sample ours = sample(GetParam());
  Sample theirs{};
  EXPECT_EQ(::read(ends[0], theirs.data(), theirs.size()), static_cast<ssize_t>(theirs.size()));
  ::close(ends[0]);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(ours, theirs);
}

TEST_P(RandomTest, ThreadsDontShareAny) {
  Sample theirs{};
  std::thread([&theirs] { theirs = sample(GetParam()); }).join();
  EXPECT_NE(sample(GetParam()), theirs);
}

INSTANTIATE_TEST_SUITE_P(PublicAndSecret, RandomTest, ::testing::Values(0, 1));

}  // namespace
}  // namespace sallyport::ssh::test
