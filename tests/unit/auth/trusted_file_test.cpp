#include "auth/lookup/trusted_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::auth {
namespace {

using ::testing::HasSubstr;

struct TrustedFileTest : ::testing::Test {
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    trust.boundaries = {folder};
    std::filesystem::create_directories(folder + "/a/b");
    for (const char* name : {"", "/a", "/a/b"}) ASSERT_EQ(::chmod((folder + name).c_str(), 0755), 0);
    write("a/b/keys", "text");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }
  Result<std::string> read(const std::string& name = "a/b/keys", std::size_t limit = 1000) {
    return read_trusted(folder + "/" + name, limit, trust);
  }
  std::string error(const std::string& name = "a/b/keys") {
    const auto text = read(name);
    EXPECT_FALSE(text);
    if (text) return {};
    EXPECT_EQ(text.error().code, Errc::unavailable);
    return text.error().detail;
  }

  std::string folder;
  FileTrust trust;
};

TEST_F(TrustedFileTest, ReadsWhatNobodyElseCouldHaveWritten) {
  const auto text = read();
  ASSERT_TRUE(text) << text.error().detail;
  EXPECT_EQ(*text, "text");
}

TEST_F(TrustedFileTest, AMissingFileIsNotFound) {
  EXPECT_EQ(read("none").error().code, Errc::not_found);
  EXPECT_EQ(read("none/none").error().code, Errc::not_found);
  EXPECT_EQ(read("a/b/keys/none").error().code, Errc::not_found);
}

TEST_F(TrustedFileTest, AFileThatOthersMayWriteIsNotTrusted) {
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}}) {
    write("a/b/keys", "text", mode);
    EXPECT_THAT(error(), HasSubstr("its group or others may write it"));
  }
  trust.strict = false;
  EXPECT_TRUE(read());
}

TEST_F(TrustedFileTest, NoFolderUpToTheBoundaryMayBeOthers) {
  for (const std::string name : {"/a/b", "/a", ""}) {
    ASSERT_EQ(::chmod((folder + name).c_str(), 0775), 0);
    EXPECT_THAT(error(), HasSubstr("its folder " + folder + name + " is not safe"));
    ASSERT_EQ(::chmod((folder + name).c_str(), 0755), 0);
  }
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  trust.boundaries = {folder, folder + "/a"};
  EXPECT_TRUE(read()) << "above the boundary";
}

TEST_F(TrustedFileTest, WithoutABoundaryAllFoldersCount) {
  struct stat status {};
  ASSERT_EQ(::stat(std::filesystem::temp_directory_path().c_str(), &status), 0);
  if ((status.st_mode & 022) == 0) GTEST_SKIP() << "nobody else may write the folder for temporary files";
  trust.boundaries = {};
  EXPECT_THAT(error(), HasSubstr("is not safe"));
  trust.boundaries = {folder + "/none", folder + "/a/bb"};
  EXPECT_THAT(error(), HasSubstr("is not safe"));
}

TEST_F(TrustedFileTest, LinksAreFollowedToWhatIsChecked) {
  std::filesystem::create_symlink("a/b/keys", folder + "/link");
  EXPECT_TRUE(read("link"));
  write("a/b/keys", "text", 0666);
  EXPECT_THAT(error("link"), HasSubstr("others may write it"));
}

TEST_F(TrustedFileTest, LargeFilesAndWhatIsNoFileAreUnavailable) {
  write("a/b/keys", std::string(1000, '#'));
  EXPECT_TRUE(read("a/b/keys", 1000));
  EXPECT_EQ(read("a/b/keys", 999).error().code, Errc::unavailable);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(error("fifo"), HasSubstr("not a regular file"));
  EXPECT_THAT(error("a/b"), HasSubstr("not a regular file"));
}

TEST_F(TrustedFileTest, TheOwnerIsRootTheDaemonOrTheAccount) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::chown((folder + "/a/b/keys").c_str(), 12345, 0), 0);
  EXPECT_THAT(error(), HasSubstr("neither root nor the daemon's user"));
  trust.account = UserAccount{folder, 12345, 12345};
  EXPECT_TRUE(read());
  EXPECT_FALSE(check_trusted_program(folder + "/a/b/keys", trust)) << "a program may not be the account's";
  trust.account->uid = 12346;
  EXPECT_THAT(error(), HasSubstr("nor the user"));
}

TEST_F(TrustedFileTest, AHomeIsReadWithTheRightsOfItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can take others' rights";
  trust.account = UserAccount{folder, 12345, 12345};
  trust.as_account = true;
  EXPECT_THAT(error(), HasSubstr("Permission denied")) << "root's file, which the account can't read";
  write("a/b/keys", "text", 0644);
  EXPECT_TRUE(read());
  trust.as_account = false;
  write("a/b/keys", "text", 0600);
  EXPECT_TRUE(read()) << "the thread has its own rights again";
}

TEST_F(TrustedFileTest, ProgramsAreCheckedInTheSameWay) {
  EXPECT_TRUE(check_trusted_program(folder + "/a/b/keys", trust));
  EXPECT_EQ(check_trusted_program(folder + "/none", trust).error().code, Errc::unavailable);
  ASSERT_EQ(::chmod((folder + "/a").c_str(), 0777), 0);
  EXPECT_FALSE(check_trusted_program(folder + "/a/b/keys", trust));
}

}  // namespace
}  // namespace sallyport::auth
