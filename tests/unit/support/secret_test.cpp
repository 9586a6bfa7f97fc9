// SecretString: what it owns, and that nothing is left of it.
#include <gtest/gtest.h>

#include <sallyport/secret.hpp>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace sallyport {
namespace {

TEST(SecretStringTest, HoldsTheTextWithAZeroBehindIt) {
  const SecretString secret("correct horse");
  EXPECT_EQ(secret.view(), "correct horse");
  EXPECT_EQ(secret.size(), 13U);
  EXPECT_STREQ(secret.c_str(), "correct horse");
}

TEST(SecretStringTest, AnEmptyOneNeedsNoMemory) {
  const SecretString nothing;
  const SecretString empty("");
  EXPECT_TRUE(nothing.empty());
  EXPECT_TRUE(empty.empty());
  EXPECT_STREQ(empty.c_str(), "");
}

TEST(SecretStringTest, ATextOfAWholePageHasRoomForItsZero) {
  const std::string page(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), 'x');
  const SecretString secret(page);
  EXPECT_EQ(secret.view(), page);
  EXPECT_EQ(secret.c_str()[page.size()], '\0');
}

TEST(SecretStringTest, MovesAndLeavesNothingBehind) {
  SecretString first("one");
  SecretString second = std::move(first);
  EXPECT_EQ(second.view(), "one");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  first = SecretString("two");
  first = std::move(second);
  EXPECT_EQ(first.view(), "one");
}

TEST(SecretStringTest, ACopyIsAnotherOne) {
  SecretString first("one");
  const SecretString second = first.copy();
  first.wipe();
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.view(), "one");
}

TEST(SecretStringTest, IsLeftOutOfCoreFiles) {
  const SecretString secret("in no core file");
  // smaps lists each mapping's flags; "dd" is MADV_DONTDUMP's.
  std::ifstream smaps("/proc/self/smaps");
  const auto address = reinterpret_cast<std::uintptr_t>(secret.c_str());
  bool inside = false;
  std::string flags;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= address && address < end;
    if (inside && line.starts_with("VmFlags:")) flags = line;
  }
  if (flags.empty()) GTEST_SKIP() << "this kernel lists no flags";
  EXPECT_NE(flags.find(" dd"), std::string::npos) << flags;
}

TEST(WipeTest, EmptiesAndOverwrites) {
  std::string text(100, 's');
  const char* const data = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(data[1], '\0');  // the string still owns its room
}

}  // namespace
}  // namespace sallyport
