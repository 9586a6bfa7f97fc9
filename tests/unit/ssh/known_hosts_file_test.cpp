#include "ssh/keys/known_hosts_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh_fixture.hpp"

namespace sallyport::ssh {
namespace {

Bytes key_of(std::string_view type, std::uint8_t content) {
  Bytes blob{0, 0, 0, static_cast<std::uint8_t>(type.size())};
  blob.insert(blob.end(), type.begin(), type.end());
  blob.push_back(content);
  return blob;
}
std::string line_of(const std::string& name, const Bytes& key) { return name + " ssh-ed25519 " + base64_encode(key) + "\n"; }

class KnownHostsFileTest : public ::testing::Test {
 protected:
  std::string text() { return *read_file(file_, 1 << 20); }

  test::TemporaryFolder folder_;
  std::string file_ = folder_.file("known_hosts");
  const Bytes one_ = key_of("ssh-ed25519", 1), two_ = key_of("ssh-ed25519", 2), three_ = key_of("ssh-ed25519", 3);
};

TEST_F(KnownHostsFileTest, TheFirstKeyMakesTheFile) {
  ASSERT_TRUE(add_first_host_key(file_, "web1", 2222, one_));
  EXPECT_EQ(text(), line_of("[web1]:2222", one_));
  ASSERT_TRUE(add_first_host_key(file_, "web1", 2222, one_)) << "it is there already";
  ASSERT_TRUE(add_first_host_key(file_, "web2", 22, two_));
  EXPECT_EQ(text(), line_of("[web1]:2222", one_) + line_of("web2", two_));
}

TEST_F(KnownHostsFileTest, AHostThatIsListedGetsNoOtherKey) {
  folder_.write("known_hosts", "# mine\nweb1 ssh-ed25519 " + base64_encode(one_));  // without an end
  const auto refused = add_first_host_key(file_, "web1", 22, two_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::host_key);
  ASSERT_TRUE(add_first_host_key(file_, "web2", 22, two_));
  EXPECT_EQ(text(), "# mine\n" + line_of("web1", one_) + line_of("web2", two_));
}

TEST_F(KnownHostsFileTest, KeepsModeAndFollowsALink) {
  folder_.write("real", "");
  ASSERT_EQ(::chmod(folder_.file("real").c_str(), 0640), 0);
  ASSERT_EQ(::symlink("real", file_.c_str()), 0);
  ASSERT_TRUE(add_first_host_key(file_, "web1", 22, one_));
  struct stat status {};
  ASSERT_EQ(::lstat(file_.c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(text(), line_of("web1", one_));
}

TEST_F(KnownHostsFileTest, ManyAtATimeLoseNothing) {
  std::vector<std::thread> writers;
  for (std::uint8_t i = 0; i < 8; ++i)
    writers.emplace_back(
        [this, i] { EXPECT_TRUE(add_first_host_key(file_, "web" + std::to_string(i), 22, key_of("ssh-ed25519", i))); });
  for (auto& writer : writers) writer.join();
  const std::string all = text();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 8);
}

TEST_F(KnownHostsFileTest, ProvedKeysTakeThePlaceOfThoseThatAreGone) {
  folder_.write("known_hosts",
                line_of("web1", one_) + line_of("web1", two_) + line_of("web1,web2", two_) + line_of("web3", two_));
  const auto change = set_host_keys(file_, "web1", 22, {one_, three_});
  ASSERT_TRUE(change) << change.error().detail;
  EXPECT_EQ(change->added, 1u);
  EXPECT_EQ(change->removed, 1u);
  EXPECT_EQ(text(), line_of("web1", one_) + line_of("web1,web2", two_) + line_of("web3", two_) + line_of("web1", three_));
}

TEST_F(KnownHostsFileTest, NothingIsLearntOfAHostThatIsKnownByAPatternOrByNoneOfTheKeys) {
  for (const std::string& before : {line_of("*", one_), line_of("web1", two_), std::string()}) {
    folder_.write("known_hosts", before);
    const auto change = set_host_keys(file_, "web1", 22, {one_, three_});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->added, 0u);
    EXPECT_EQ(text(), before);
  }
}

TEST_F(KnownHostsFileTest, ARevokedKeyIsNotAdded) {
  folder_.write("known_hosts", line_of("web1", one_) + "@revoked " + line_of("*", three_));
  const auto change = set_host_keys(file_, "web1", 22, {one_, three_});
  ASSERT_TRUE(change);
  EXPECT_EQ(change->added, 0u);
}

}  // namespace
}  // namespace sallyport::ssh
